"""Reading git: files, history, and nothing that a name or a configuration could make it do."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from writers_desk import Desk, article

from app.content.errors import ContentUnavailable
from app.content.repository import ArticleRepository


def test_only_regular_files_of_the_content_folder_are_listed(bikes: Desk) -> None:
    (bikes.top / "articles" / "en" / "hire" / "link.md").symlink_to("/etc/passwd")
    (bikes.top / "articles" / "en" / "hire" / 'räksmörgås \t"x".md').write_text("odd name")
    commit = bikes.commit()
    snapshot = bikes.repository().snapshot()
    assert snapshot.revision == snapshot.commit == commit
    assert 'articles/en/hire/räksmörgås \t"x".md' in snapshot.files
    assert "articles/en/hire/link.md" not in snapshot.files
    assert snapshot.links == ("articles/en/hire/link.md",)
    assert not [p for p in snapshot.files if not p.startswith("articles/")]
    assert snapshot.files["articles/site.yml"] == bikes.git("rev-parse", "HEAD:articles/site.yml")


def test_files_are_read_as_committed_not_as_they_lie_on_disk(bikes: Desk) -> None:
    bikes.write("en/hire/end-a-hire.md", "changed on disk only")
    snapshot = bikes.repository().snapshot()
    (path, blob, data), (_, _, large) = snapshot.read(["articles/en/hire/end-a-hire.md", "articles/site.yml"], 1200)
    assert path == "articles/en/hire/end-a-hire.md" and blob == snapshot.files[path]
    assert data is not None and b"title: End a hire" in data
    assert large is None, "a file over the limit is named, not read"


def test_a_file_is_read_as_it_was_at_an_old_revision(bikes: Desk) -> None:
    old = bikes.git("rev-parse", "HEAD")
    bikes.write("en/hire/end-a-hire.md", article("New title"))
    bikes.commit()
    repository = bikes.repository()
    before = repository.read(old, "articles/en/hire/end-a-hire.md")
    after = repository.read(repository.head(), "articles/en/hire/end-a-hire.md")
    assert before is not None and b"End a hire" in before
    assert after is not None and b"New title" in after
    assert repository.read(old[:12], "articles/en/hire/end-a-hire.md") == before


@pytest.mark.parametrize(
    "path", ["src/cards.md", "articles/../src/cards.md", "/etc/passwd", "articles/en", "articles//site.yml", "", "articles/nope.md"]
)
def test_nothing_outside_the_content_folder_is_read(bikes: Desk, path: str) -> None:
    assert bikes.repository().read(bikes.repository().head(), path) is None


@pytest.mark.parametrize("revision", ["HEAD", "--output=x", "main", "", "-n", "HEAD~1", "0" * 40, "@{u}", "abc", "zzzzzzz", "main^{/x}"])
def test_a_revision_is_only_ever_part_of_a_commit_id(bikes: Desk, revision: str) -> None:
    repository = bikes.repository()
    assert repository.resolve(revision) == ""
    assert repository.read(revision, "articles/site.yml") is None
    assert not repository.is_ancestor(revision, repository.head())


@pytest.mark.parametrize(
    "branch", ["--upload-pack=touch x", "-x", "a..b", "a b", "a@{1}", "x.lock", "~", "a//b", "a\nb", ":(top)x", "nowhere", "/x", "x/"]
)
def test_a_branch_that_is_no_branch_is_refused_by_name(bikes: Desk, branch: str) -> None:
    with pytest.raises(ContentUnavailable, match="HYLLA_CONTENT_BRANCH"):
        bikes.repository(branch=branch).head()


def test_another_branch_than_the_one_checked_out_is_served(bikes: Desk) -> None:
    bikes.git("branch", "published/live")
    bikes.write("en/hire/new.md", article())
    bikes.commit()
    assert "articles/en/hire/new.md" not in bikes.repository(branch="published/live").snapshot().files
    assert "articles/en/hire/new.md" in bikes.repository(branch="main").snapshot().files


def test_commits_come_oldest_first_with_author_time_and_renames(desk: Desk) -> None:
    desk.write("en/hire/a.md", article(body="one two three four five\n" * 5))
    first = desk.commit("Begin \x1b[31m", author="Åsa <script>")
    desk.move("en/hire/a.md", "en/hire/b.md")
    (desk.top / "unrelated.txt").write_text("x")
    second = desk.commit("Rename")
    (desk.top / "unrelated.txt").write_text("y")
    desk.commit("Only unrelated")
    desk.remove("en/hire/b.md")
    third = desk.commit("Remove")
    commits = list(desk.repository().commits("", desk.repository().head()))
    assert [c.revision for c in commits] == [first, second, third]
    assert commits[0].at == datetime(2026, 1, 2, tzinfo=UTC), "author time, not committer time"
    assert commits[0].author == "Åsa script", "git takes the brackets out"
    assert "\x1b" not in commits[0].subject
    assert [c.changes for c in commits] == [
        (("A", "articles/en/hire/a.md", "articles/en/hire/a.md"),),
        (("R", "articles/en/hire/a.md", "articles/en/hire/b.md"),),
        (("D", "articles/en/hire/b.md", "articles/en/hire/b.md"),),
    ]
    assert [c.revision for c in desk.repository().commits(first, third)] == [second, third]


def test_the_history_of_a_file_goes_through_its_renames_newest_first(desk: Desk) -> None:
    desk.write("en/hire/a.md", article(body="one two three four five\n" * 5))
    desk.write("en/hire/noise.md", article("Noise"))
    first = desk.commit("Begin")
    desk.move("en/hire/a.md", "en/hire/b.md")
    second = desk.commit("Rename")
    desk.write("en/hire/noise.md", article("More noise"))
    desk.commit("Noise")
    desk.write("en/hire/b.md", article(body="one two three four five\n" * 5 + "six\n"))
    third = desk.commit("Add six")
    repository = desk.repository()
    assert [(c.revision, c.subject) for c in repository.history("articles/en/hire/b.md")] == [
        (third, "Add six"),
        (second, "Rename"),
        (first, "Begin"),
    ]
    assert len(repository.history("articles/en/hire/b.md", limit=2)) == 2
    assert repository.history("src/cards.md") == [] and repository.history("--all") == []


def test_changes_made_while_merging_are_seen(desk: Desk) -> None:
    desk.write("en/hire/a.md", article(body="line\n"))
    desk.commit()
    desk.git("checkout", "-q", "-b", "side")
    desk.write("en/hire/b.md", article("On the side"))
    desk.commit("Side")
    desk.git("checkout", "-q", "main")
    desk.write("en/hire/c.md", article("Main"))
    desk.commit("Main")
    desk.git("merge", "-q", "--no-ff", "-m", "Merge", "side")
    touched = {path for c in desk.repository().commits("", desk.repository().head()) for _, _, path in c.changes}
    assert touched == {f"articles/en/hire/{name}.md" for name in "abc"}


def test_a_shallow_clone_can_be_served(bikes: Desk, tmp_path: Path) -> None:
    bikes.write("en/hire/end-a-hire.md", article("Newest"))
    bikes.commit()
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{bikes.top}", str(clone)], check=True)
    repository = ArticleRepository(clone, "articles")
    assert repository.is_shallow
    assert "articles/en/hire/end-a-hire.md" in repository.snapshot().files
    assert len(list(repository.commits("", repository.head()))) == 1


def test_a_subfolder_of_a_repository_can_hold_the_content(bikes: Desk) -> None:
    inside = ArticleRepository(bikes.top / "articles", "en")
    assert inside.folder == "articles/en"
    files = list(inside.snapshot().files)
    assert files and [p for p in files if not p.startswith("articles/en/")] == []
    assert inside.disk_folder == bikes.top / "articles" / "en"


def test_without_a_commit_there_is_nothing_to_publish_but_the_work_tree_can_be_written_in(desk: Desk) -> None:
    desk.write("en/hire/a.md", article())
    with pytest.raises(ContentUnavailable, match="no commit yet"):
        desk.repository().snapshot()
    snapshot = desk.repository(worktree=True).snapshot()
    assert list(snapshot.files) == ["articles/en/hire/a.md"] and snapshot.commit == ""


def test_a_plain_folder_serves_only_as_a_work_tree(tmp_path: Path) -> None:
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "site.yml").write_text("name: A")
    with pytest.raises(ContentUnavailable, match="git"):
        ArticleRepository(tmp_path, "articles").snapshot()
    assert list(ArticleRepository(tmp_path, "articles", worktree=True).snapshot().files) == ["articles/site.yml"]


def test_a_missing_folder_is_unavailable_and_says_where(tmp_path: Path) -> None:
    with pytest.raises(ContentUnavailable, match="nowhere"):
        ArticleRepository(tmp_path / "nowhere", "articles").head()


def test_a_fetch_brings_the_remote_branch_and_touches_nothing_checked_out(bikes: Desk, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(bikes.top), str(clone)], check=True)
    bikes.write("en/hire/new.md", article())
    newest = bikes.commit()
    repository = ArticleRepository(clone, "articles", "origin/main", protocols=("file",))
    assert repository.head() != newest
    assert repository.fetch()
    assert repository.head() == newest
    assert not (clone / "articles/en/hire/new.md").exists()


@pytest.mark.parametrize("branch", ["", "main", "upstream/main"])
def test_nothing_is_fetched_unless_the_branch_names_a_remote(bikes: Desk, tmp_path: Path, branch: str) -> None:
    bikes.git("remote", "add", "origin", str(tmp_path / "not-there"))
    bikes.git("branch", "upstream/main")
    assert not bikes.repository(branch=branch).fetch()


def test_a_bare_mirror_is_fetched_and_served(bikes: Desk, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror.git"
    subprocess.run(["git", "clone", "-q", "--mirror", str(bikes.top), str(mirror)], check=True)
    bikes.write("en/hire/new.md", article())
    newest = bikes.commit()
    repository = ArticleRepository(mirror, "articles", protocols=("file",))
    assert repository.fetch() and repository.head() == newest
    assert "articles/en/hire/new.md" in repository.snapshot().files


@pytest.mark.parametrize("url", ["{}", "file://{}", "ext::sh -c 'touch {}/pwned'", "git://127.0.0.1:1/x", "http://127.0.0.1:1/x"])
def test_only_https_and_ssh_are_fetched_from(bikes: Desk, tmp_path: Path, url: str) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(bikes.top), str(clone)], check=True)
    subprocess.run(["git", "-C", str(clone), "remote", "set-url", "origin", url.format(bikes.top)], check=True)
    with pytest.raises(ContentUnavailable, match=r"git fetch failed|transport"):
        ArticleRepository(clone, "articles", "origin/main").fetch()
    assert not (bikes.top / "pwned").exists()


def test_a_hostile_configuration_runs_nothing(bikes: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
    trap.chmod(0o755)
    hooks = bikes.top / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "reference-transaction", "post-index-change", "pre-auto-gc", "fsmonitor-watchman"):
        (hooks / name).write_text(trap.read_text())
        (hooks / name).chmod(0o755)
    for key in (
        "core.fsmonitor",
        "core.pager",
        "diff.external",
        "core.sshCommand",
        "filter.x.smudge",
        "filter.x.clean",
        "diff.x.textconv",
        "core.editor",
        "core.alternateRefsCommand",
        "uploadpack.packObjectsHook",
        "gpg.program",
    ):
        bikes.git("config", key, str(trap))
    bikes.git("config", "log.showSignature", "true")
    (bikes.top / ".gitattributes").write_text("*.md filter=x diff=x\n")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(trap))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    repository = bikes.repository()
    snapshot = repository.snapshot()
    list(snapshot.read(sorted(snapshot.files), 1 << 20))
    list(repository.commits("", repository.head()))
    repository.history("articles/site.yml")
    repository.read(repository.head(), "articles/site.yml")
    bikes.repository(worktree=True).snapshot()
    assert not (tmp_path / "sprung").exists()
    assert os.environ["GIT_DIR"], "the trap was set"


def test_a_folder_that_is_no_repository_or_holds_no_articles_is_named_with_the_setting(bikes: Desk, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    with pytest.raises(ContentUnavailable, match=r"is no git repository.*HYLLA_CONTENT_REPOSITORY"):
        ArticleRepository(plain).fetch()
    with pytest.raises(ContentUnavailable, match=r"has no files in “artikel”.*HYLLA_CONTENT_FOLDER"):
        ArticleRepository(bikes.top, "artikel").snapshot()
    with pytest.raises(ContentUnavailable, match=r"no folder .*artikel.*HYLLA_CONTENT_FOLDER"):
        ArticleRepository(bikes.top, "artikel", worktree=True).snapshot()


def test_a_machine_without_git_is_told_what_to_install(bikes: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ContentUnavailable, match=r"git program is missing.*apt-get install git"):
        bikes.repository().head()
