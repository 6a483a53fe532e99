"""The log tells what happened in one line each, and never a secret."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient


def test_a_fault_is_logged_in_one_line_without_the_values_of_variables(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    @app.post("/broken")
    def broken() -> str:
        password = "the password that was typed"
        raise RuntimeError("it broke\nand {not json}".replace("json", str(len(password))))

    answer = app.test_client().post("/broken", data={"password": "the password that was typed"})
    assert answer.status_code == 500
    lines = capsys.readouterr().out.strip().splitlines()
    records = [json.loads(line) for line in lines]
    (fault,) = [record for record in records if record["event"] == "unforeseen"]
    assert "RuntimeError" in fault["exception"]
    assert fault["reference"] in answer.get_data(as_text=True)
    assert "the password that was typed" not in "".join(lines)


def test_what_a_stranger_sends_cannot_start_a_line_of_its_own(client: FlaskClient, capsys: pytest.CaptureFixture[str]) -> None:
    report = json.dumps({"csp-report": {"violated-directive": "img-src\r\n2026 [info] forged", "blocked-uri": "x\ny", "document-uri": "z"}})
    client.post("/csp-report", data=report, content_type="application/csp-report")
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["event"] == "csp report"
