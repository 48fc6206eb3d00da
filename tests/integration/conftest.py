"""Fixtures: the services once per run, a world of its own per test."""
from __future__ import annotations

import pytest

from lib.environment import Environment
from lib.programs import SHOP
from lib.world import World


@pytest.fixture(scope="session")
def environment():
    services = Environment()
    try:
        yield services.up()
    finally:
        services.down()


@pytest.fixture
def make_world(environment, request, tmp_path):
    """make_world(partitions=…, inputs=…, POINTS_…=…) gives an empty world; all of them end with the test."""
    made = []

    def make(**options) -> World:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        world = World(environment, request.node.name, folder, **options)
        made.append(world)
        return world.create()

    yield make
    failed = getattr(request.node, "failed", False)
    for world in made:
        if failed:
            for processor in world.processors:
                print(f"---- log of instance {processor.instance}\n{processor.tail(60)}")
        world.destroy()


@pytest.fixture
def world(make_world):
    """A world with the shop's program applied."""
    return make_world().apply(SHOP)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call":
        item.failed = outcome.get_result().failed
