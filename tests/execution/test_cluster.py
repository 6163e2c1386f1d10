"""Where the scheduler of a job listens for workers on other nodes."""

from __future__ import annotations

import socket

import dask
import pytest

from synreduce.execution.cluster import network_address


@pytest.fixture(autouse=True)
def _name_on_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostbyname", lambda _: "192.0.2.7")


def test_workers_come_over_the_network_that_the_name_of_the_node_belongs_to() -> None:
    assert network_address() == "192.0.2.7"


def test_another_interface_can_be_named() -> None:
    with dask.config.set({"distributed.comm.default-interface": "lo"}):
        assert network_address() == "127.0.0.1"
