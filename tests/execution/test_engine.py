"""The engine: results in order, failures named, nothing listening beyond loopback."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import time
import tracemalloc
import urllib.error
import urllib.request
from pathlib import Path

import dask
import numpy as np
import psutil
import pytest
from distributed import LocalCluster, Security
from distributed.comm import connect

from synreduce.configuration import configuration_from_mapping
from synreduce.configuration.resources import ResourcesSettings
from synreduce.errors import ConfigurationError, DataError, Problem, ResourceError
from synreduce.execution import open_engine
from synreduce.execution.engine import TaskFailure


def later_items_first(number: int) -> int:
    time.sleep(0.02 * (5 - number % 6))
    return number * number


def fail_on_three(number: int) -> int:
    if number == 3:
        raise DataError(Problem("bad", "item 3", "does not work"))
    return number


def end_the_worker(number: int) -> int:
    if number == 1:
        os._exit(1)
    return number


@pytest.mark.parametrize("n_workers", [1, 2])
def test_results_come_in_the_order_of_the_items(n_workers: int) -> None:
    with open_engine(n_workers) as engine:
        assert list(engine.map_ordered(later_items_first, range(12))) == [n * n for n in range(12)]


def test_a_failing_task_is_reported_in_its_place_and_others_go_on() -> None:
    with open_engine(1) as engine:
        found = list(engine.try_map_ordered(fail_on_three, range(5)))
    assert [item for item in found if not isinstance(item, TaskFailure)] == [0, 1, 2, 4]
    assert isinstance(found[3], TaskFailure)
    assert "does not work" in found[3].reason


def test_a_task_that_ends_its_workers_is_blamed_and_others_finish() -> None:
    with open_engine(2) as engine:
        found = list(engine.try_map_ordered(end_the_worker, range(4)))
    assert [item for item in found if not isinstance(item, TaskFailure)] == [0, 2, 3]
    failure = found[1]
    assert isinstance(failure, TaskFailure)
    assert isinstance(failure.error, ResourceError)
    assert "ended its worker" in failure.reason


def listening() -> list[str]:
    """Addresses on which this process and its children listen."""
    own = psutil.Process()
    return [
        connection.laddr.ip
        for process in [own, *own.children(recursive=True)]
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]


@pytest.mark.parametrize(("n_workers", "in_threads"), [(1, False), (2, True), (2, False)])
def test_every_port_is_on_loopback(n_workers: int, in_threads: bool) -> None:
    with open_engine(n_workers, in_threads=in_threads) as engine:
        assert engine.n_workers == n_workers
        assert list(engine.map_ordered(later_items_first, range(3))) == [0, 1, 4]
        assert set(listening()) == {"127.0.0.1"}


def own_process(_item: int) -> int:
    return os.getpid()


def test_threads_hand_over_what_they_made_within_the_process() -> None:
    with open_engine(2, in_threads=True) as engine:
        assert set(engine.map_ordered(own_process, range(4))) == {os.getpid()}
        workers = engine.client.scheduler_info(n_workers=-1)["workers"]
        assert len(workers) == 2
        assert all(address.startswith("inproc://") for address in workers)


async def call_as_peer(address: str, security: Security | None) -> None:
    arguments = {} if security is None else security.get_connection_args("client")
    comm = await connect(address, timeout=2, **arguments)
    await comm.write({"op": "identity", "reply": True})
    await asyncio.wait_for(comm.read(), timeout=2)


def test_in_a_slurm_job_only_holders_of_the_certificate_are_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    n_workers = 2
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    with open_engine(n_workers) as engine:
        assert list(engine.map_ordered(later_items_first, range(3))) == [0, 1, 4]
        workers = engine.client.scheduler_info(n_workers=-1)["workers"]
        addresses = [engine.client.scheduler.address, *workers]
        assert len(addresses) == n_workers + 1
        for address in addresses:
            assert address.startswith("tls://127.0.0.1:")
            asyncio.run(call_as_peer(address, engine.client.security))
            with pytest.raises((OSError, TimeoutError)):
                asyncio.run(call_as_peer(address, Security.temporary()))
            with pytest.raises((OSError, TimeoutError)):
                asyncio.run(call_as_peer(address.replace("tls", "tcp"), None))


def test_the_web_servers_answer_nothing() -> None:
    with open_engine(1) as engine:
        info = engine.client.scheduler_info(n_workers=-1)
        ports = [info["services"]["dashboard"]]
        ports += [worker["services"]["dashboard"] for worker in info["workers"].values()]
        for port in ports:
            for page in (
                "health",
                "info/main/workers.html",
                "json/counts.json",
                "metrics",
                "status",
            ):
                with pytest.raises(urllib.error.HTTPError, match="404"):
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=5)


def test_a_scheduler_that_does_not_answer_is_named() -> None:
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(ResourceError, match="does not answer"),
        open_engine(1, ResourcesSettings(scheduler="tcp://127.0.0.1:1")),
    ):
        pass


@pytest.mark.parametrize(
    "address", ["tcp://10.0.0.17:8786", "node17:8786", "ucx://node17:8786", "tcp://0.0.0.0:8786"]
)
def test_a_scheduler_that_others_can_reach_is_refused_before_anything_runs(address: str) -> None:
    mapping = {
        "run": "test",
        "databases": ["db.h5"],
        "chunks": {"temporal": [{"start_ms": 258, "stop_ms": 259}]},
        "resources": {"scheduler": address},
    }
    with pytest.raises(ConfigurationError, match="anybody could run code there"):
        configuration_from_mapping(mapping)


@pytest.mark.parametrize(
    ("mode", "address", "reason"),
    [
        (0o644, "tcp://127.0.0.1:1", "is open to others"),
        (0o600, "tcp://10.0.0.17:8786", "anybody could run code there"),
    ],
)
def test_a_scheduler_file_is_private_and_names_a_private_address(
    tmp_path: Path, mode: int, address: str, reason: str
) -> None:
    path = tmp_path / "scheduler.json"
    path.write_text(json.dumps({"address": address}), encoding="utf-8")
    path.chmod(mode)
    with (
        pytest.raises(ResourceError, match=reason),
        open_engine(1, ResourcesSettings(scheduler=str(path))),
    ):
        pass


@pytest.mark.parametrize("is_folder", [False, True], ids=["nothing there", "a folder"])
def test_a_scheduler_file_that_is_not_there_is_named(tmp_path: Path, is_folder: bool) -> None:
    path = tmp_path / "scheduler.json"
    if is_folder:
        path.mkdir(mode=0o700)
    with (
        pytest.raises(ResourceError, match=f"no scheduler file '{path}'"),
        open_engine(1, ResourcesSettings(scheduler=str(path))),
    ):
        pass


def test_a_scheduler_that_runs_already_is_used() -> None:
    with (
        LocalCluster(
            n_workers=1,
            threads_per_worker=2,
            processes=False,
            protocol="tcp",
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
        ) as cluster,
        open_engine(1, ResourcesSettings(scheduler=cluster.scheduler_address)) as engine,
    ):
        assert engine.n_workers == 2
        assert list(engine.map_ordered(later_items_first, range(4))) == [0, 1, 4, 9]


def test_arguments_of_finished_tasks_are_not_kept() -> None:
    held = []
    tracemalloc.start()
    with open_engine(1) as engine:
        arguments = (np.zeros(20_000) for _ in range(150))
        for number, _ in enumerate(engine.map_ordered(np.sum, arguments)):
            if number in (50, 149):
                gc.collect()
                held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    # A hundred of them are 16 MB.
    assert held[1] - held[0] < 4e6
