"""Files that are complete or absent: one writer for every artefact, careful readers, digests.

Filter plug-ins of HDF5 are switched off before h5py is imported, because reading a file may
otherwise load any shared library found on the plug-in path.
"""

import os

os.environ["HDF5_PLUGIN_PRELOAD"] = "::"

from synreduce.storage.byte_seal import verify_bytes
from synreduce.storage.chunk_reader import (
    ChunkReader,
    decode_chunk,
    decompression_threads,
    run_tasks,
)
from synreduce.storage.chunk_stream import ChunkStream, encode_chunk
from synreduce.storage.digest import (
    content_digest,
    digest_of,
    file_digest,
    seal,
    verify_seal,
)
from synreduce.storage.hdf5 import (
    StreamedFile,
    hdf5_image,
    open_hdf5,
    publish_hdf5,
    publish_small_hdf5,
    streaming_hdf5,
)
from synreduce.storage.owner import Owner, is_abandoned, this_process
from synreduce.storage.publish import (
    publish_bytes,
    publish_json,
    publish_pieces,
    publish_text,
    remove_stale_parts,
    require_writable,
    staged_file,
)

__all__ = [
    "ChunkReader",
    "ChunkStream",
    "Owner",
    "StreamedFile",
    "content_digest",
    "decode_chunk",
    "decompression_threads",
    "digest_of",
    "encode_chunk",
    "file_digest",
    "hdf5_image",
    "is_abandoned",
    "open_hdf5",
    "publish_bytes",
    "publish_hdf5",
    "publish_json",
    "publish_pieces",
    "publish_small_hdf5",
    "publish_text",
    "remove_stale_parts",
    "require_writable",
    "run_tasks",
    "seal",
    "staged_file",
    "streaming_hdf5",
    "this_process",
    "verify_bytes",
    "verify_seal",
]
