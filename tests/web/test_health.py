"""Alive, ready and figures, for machines that watch."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.content import ContentUnavailable
from app.portal import Portal
from app.search import SearchUnavailable
from app.web.serving.draining import draining_file
from app.web.visitors.refused_readings import Refused


def test_alive_asks_nothing_of_anybody(app: Flask, client: FlaskClient) -> None:
    app.extensions["portal"] = _Broken(app.extensions["portal"].settings)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.data) == (200, b"ok\n")


class _Broken:
    """A portal whose every part fails as soon as it is touched; only its settings are known."""

    def __init__(self, settings: object) -> None:
        self.settings = settings

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"{name} was touched")


def test_ready_when_database_content_and_index_answer(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json() == {"ready": True, "reasons": {}, "warnings": {}}


def test_readings_that_are_refused_are_counted_where_operators_look(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Refused, "count", 0)
    client = make_app(readings_per_minute=60).test_client()
    office = {"REMOTE_ADDR": "192.0.2.7"}
    batches = [client.post("/api/v1/events", json=[], environ_overrides=office).status_code for _ in range(63)]
    assert batches == [204] * 60 + [429] * 3
    assert client.get("/pixel.gif", environ_overrides=office).status_code == 200, "another door has a limit of its own"
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json()["warnings"] == {"readings": "3 reports were refused; see HYLLA_READINGS_PER_MINUTE"}
    assert "hylla_readings_refused_total" in client.get("/metrics").text


def test_events_that_could_not_be_kept_are_a_warning(portal: Portal, client: FlaskClient) -> None:
    portal.events.dropped = 4
    assert client.get("/readyz").get_json()["warnings"] == {"events": "4 could not be written"}


def test_every_part_that_does_not_answer_is_named_and_nothing_inner_is_told(
    portal: Portal, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_content() -> None:
        raise ContentUnavailable("/secret/path is gone")

    def no_index() -> None:
        raise SearchUnavailable("/secret/index is torn")

    monkeypatch.setattr(portal.current, "get", no_content)
    monkeypatch.setattr(portal.engine, "check", no_index)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert set(answer.get_json()["reasons"]) == {"content", "index"}
    assert b"secret" not in answer.data


def test_a_database_that_is_gone_makes_it_not_ready(make_app: Callable[..., Flask], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("gone")
    app = make_app(database_url=f"sqlite:///{folder}/sub/x.sqlite3")
    database = app.extensions["portal"].database
    database.close()
    for file in (folder / "sub").iterdir():
        file.unlink()
    (folder / "sub").rmdir()
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert set(answer.get_json()["reasons"]) == {"database"}


def test_a_server_that_was_told_to_end_is_not_ready_and_still_alive(portal: Portal, client: FlaskClient) -> None:
    data_folder = portal.settings.path(portal.settings.data_folder)
    for pid in (os.getppid(), os.getpid()):
        file = draining_file(data_folder, pid)
        file.touch()
        try:
            answer = client.get("/readyz")
            assert answer.status_code == 503
            assert set(answer.get_json()["reasons"]) == {"shutdown"}
            assert client.get("/healthz").status_code == 200
            assert client.get("/en/").status_code == 200
        finally:
            file.unlink()
    draining_file(data_folder, 1).touch()
    assert client.get("/readyz").status_code == 200, "another server's end is not ours"
    draining_file(data_folder, 1).unlink()


def test_figures_are_for_this_machine(client: FlaskClient) -> None:
    client.get("/en/")
    answer = client.get("/metrics")
    assert answer.status_code == 200
    text = answer.get_data(as_text=True)
    assert 'hylla_requests_total{blueprint="help_center",method="GET",status="200"}' in text
    assert "hylla_outbox_pending 0.0" in text
    assert "hylla_events_dropped 0.0" in text


@pytest.mark.parametrize("address", ["10.0.0.1", "8.8.8.8", "::2", "", "127.0.0.1.evil.example"])
def test_figures_are_not_for_others_whatever_they_claim(client: FlaskClient, address: str) -> None:
    for headers in (
        {},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Real-IP": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"Authorization": "Bearer "},
    ):
        answer = client.get("/metrics", headers=headers, environ_overrides={"REMOTE_ADDR": address})
        assert answer.status_code == 403
        assert b"hylla_" not in answer.data


def test_a_proxy_on_this_machine_does_not_make_the_world_local(make_app: Callable[..., Flask], client: FlaskClient) -> None:
    assert client.get("/metrics", headers={"X-Forwarded-For": "8.8.8.8"}).status_code == 403
    behind = make_app(trusted_proxies=1).test_client()
    assert behind.get("/metrics", headers={"X-Forwarded-For": "8.8.8.8"}).status_code == 403
    assert behind.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1, 8.8.8.8"}).status_code == 403
    assert behind.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 200


def test_whoever_shows_the_token_gets_the_figures_from_anywhere(make_app: Callable[..., Flask]) -> None:
    client = make_app(metrics_token="a long token for Prometheus").test_client()
    far = {"REMOTE_ADDR": "10.0.0.1"}
    for header, status in (
        ("Bearer a long token for Prometheus", 200),
        ("Bearer a long token", 403),
        ("Bearer ", 403),
        ("", 403),
        ("Bearer \u00e9", 403),
    ):
        assert client.get("/metrics", headers={"Authorization": header}, environ_overrides=far).status_code == status


def test_a_made_up_method_is_no_time_series_of_its_own(client: FlaskClient) -> None:
    client.open("/en/", method="GARBAGE")
    text = client.get("/metrics").get_data(as_text=True)
    assert "GARBAGE" not in text
    assert 'method="other"' in text
