"""The engine: results in order, failures named, nothing listening beyond loopback."""

from __future__ import annotations

import os
import time

import dask
import psutil
import pytest

from synreduce.errors import DataError, Problem, ResourceError
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


@pytest.mark.parametrize("n_workers", [1, 2])
def test_every_port_is_on_loopback(n_workers: int) -> None:
    with open_engine(n_workers) as engine:
        list(engine.map_ordered(later_items_first, range(2)))
        own = psutil.Process()
        processes = [own, *own.children(recursive=True)]
        listening = [
            connection.laddr.ip
            for process in processes
            for connection in process.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        ]
    assert listening
    assert set(listening) == {"127.0.0.1"}


def test_a_scheduler_that_does_not_answer_is_named() -> None:
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(ResourceError, match="does not answer"),
        open_engine(1, scheduler="tcp://127.0.0.1:1"),
    ):
        pass
