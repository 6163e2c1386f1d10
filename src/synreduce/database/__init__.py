"""Activation databases: activations and spike times of many simulated trials in one HDF5 file."""

from synreduce.database.check import check_database, database_warnings
from synreduce.database.concatenation import ConcatenatedDatabase
from synreduce.database.conversion import write_binned
from synreduce.database.counts_writer import CountsWriter
from synreduce.database.describe import describe_database
from synreduce.database.file_database import FileDatabase
from synreduce.database.grouping import Grouping
from synreduce.database.interface import Database
from synreduce.database.model import DEFAULT_GROUPS, ActivationEvents, Group, SpikeTimes
from synreduce.database.names import NameTable, SynapseType, SynapseTypeTable
from synreduce.database.opening import append_trials, open_database, open_joined
from synreduce.database.schema import SCHEMA_NAME, SCHEMA_VERSION
from synreduce.database.writer import DatabaseWriter

__all__ = [
    "DEFAULT_GROUPS",
    "SCHEMA_NAME",
    "SCHEMA_VERSION",
    "ActivationEvents",
    "ConcatenatedDatabase",
    "CountsWriter",
    "Database",
    "DatabaseWriter",
    "FileDatabase",
    "Group",
    "Grouping",
    "NameTable",
    "SpikeTimes",
    "SynapseType",
    "SynapseTypeTable",
    "append_trials",
    "check_database",
    "database_warnings",
    "describe_database",
    "open_database",
    "open_joined",
    "write_binned",
]
