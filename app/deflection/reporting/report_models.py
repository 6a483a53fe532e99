"""Tables of the reports: query clusters with their history, notes on the time line, survey wishes, learned phrases taken away."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Float, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from app.deflection.models import Serial


class QueryClusterRow(Base):
    """A group of queries of one language that ask the same thing. Ids are never reused; `merged_into` leads to the living one."""

    __tablename__ = "query_cluster"

    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    language: Mapped[str] = mapped_column(String(35), index=True)
    name: Mapped[str] = mapped_column(Text, doc="given by an editor; empty: the label speaks")
    label: Mapped[str] = mapped_column(Text, doc="a query that enough people asked, or frequent words; empty: too few people")
    verbatim: Mapped[bool] = mapped_column(Boolean)
    merged_into: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[int] = mapped_column(BigInteger)


class ClusterBagRow(Base):
    """A bag of stems and the cluster it belongs to; `leads` marks the bag that the cluster is compared by."""

    __tablename__ = "cluster_bag"
    __table_args__ = (UniqueConstraint("language", "bag"), Index("ix_cluster_bag_cluster", "cluster"))

    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    language: Mapped[str] = mapped_column(String(35))
    bag: Mapped[str] = mapped_column(String(400), doc="sorted stems, joined by spaces")
    cluster: Mapped[int] = mapped_column(Integer)
    n: Mapped[int] = mapped_column(Integer)
    leads: Mapped[bool] = mapped_column(Boolean)
    pinned: Mapped[bool] = mapped_column(Boolean, doc="an editor put it there; no merge moves it")


class SubjectGroupRow(Base):
    """A group of requests on one subject, of people who had not searched. Ids are never reused; `merged_into` leads to the living one."""

    __tablename__ = "subject_group"

    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    language: Mapped[str] = mapped_column(String(35), index=True)
    label: Mapped[str] = mapped_column(Text, doc="a subject that enough people wrote, or frequent words; empty: too few people")
    verbatim: Mapped[bool] = mapped_column(Boolean)
    merged_into: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[int] = mapped_column(BigInteger)


class SubjectBagRow(Base):
    """A bag of stems of subjects and the group it belongs to; `leads` marks the bag that the group is compared by."""

    __tablename__ = "subject_bag"
    __table_args__ = (UniqueConstraint("language", "bag"), Index("ix_subject_bag_subject_group", "subject_group"))

    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    language: Mapped[str] = mapped_column(String(35))
    bag: Mapped[str] = mapped_column(String(400), doc="sorted stems, joined by spaces")
    subject_group: Mapped[int] = mapped_column(Integer)
    n: Mapped[int] = mapped_column(Integer)
    leads: Mapped[bool] = mapped_column(Boolean)


class ClusterChangeRow(Base):
    """What an editor or the nightly merge did to clusters; never changed once written but for its undoing."""

    __tablename__ = "cluster_change"
    __table_args__ = (Index("ix_cluster_change_cluster", "cluster"),)

    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    at: Mapped[int] = mapped_column(BigInteger)
    who: Mapped[str] = mapped_column(String(64), doc="user id, or 'nightly'")
    action: Mapped[str] = mapped_column(String(16), doc="pin, split, rename, merge, undo")
    cluster: Mapped[int] = mapped_column(Integer)
    other: Mapped[int | None] = mapped_column(Integer, doc="the cluster it came from or went into")
    detail: Mapped[str] = mapped_column(Text)
    before: Mapped[str] = mapped_column(Text, default="", doc="what the act changed, as it was (JSON); empty: nothing to undo")
    undone_at: Mapped[int | None] = mapped_column(BigInteger)


class ReportNoteRow(Base):
    """Something that happened and may explain a change: written by hand on the time line of the reports."""

    __tablename__ = "report_note"

    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    day: Mapped[int] = mapped_column(Integer, index=True)
    kind: Mapped[str] = mapped_column(String(16), doc="release, outage, note")
    text: Mapped[str] = mapped_column(Text)
    who: Mapped[str] = mapped_column(String(64))
    at: Mapped[int] = mapped_column(BigInteger)


class SurveyAskedRow(Base):
    """When a person was last asked the calibration question; `refused` is for good."""

    __tablename__ = "survey_asked"

    person: Mapped[str] = mapped_column(String(400), primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger)
    refused: Mapped[bool] = mapped_column(Boolean)


class PairLabelRow(Base):
    """Whether two searches that followed each other ask the same, as a person said; without their words."""

    __tablename__ = "pair_label"

    key: Mapped[str] = mapped_column(String(32), primary_key=True, doc="digest of language and words")
    likeness: Mapped[float] = mapped_column(Float)
    gap_ms: Mapped[int] = mapped_column(BigInteger)
    stands_for: Mapped[float] = mapped_column(Float, doc="pairs of the log that this one stands for")
    verdict: Mapped[str] = mapped_column(String(16), doc="same, different, unclear")
    who: Mapped[str] = mapped_column(String(64))
    at: Mapped[int] = mapped_column(BigInteger)


class RemovedPhraseRow(Base):
    """A learned phrase that a writer took away from an article; it is not learned again, in any wording of the same meaning words."""

    __tablename__ = "removed_phrase"

    article: Mapped[str] = mapped_column(String(128), primary_key=True)
    locale: Mapped[str] = mapped_column(String(35), primary_key=True)
    phrase: Mapped[str] = mapped_column(String(400), primary_key=True)
    who: Mapped[str] = mapped_column(String(64))
    at: Mapped[int] = mapped_column(BigInteger)


class TrialShareRow(Base):
    """Since when which share of people was drawn for the comparison group: the odds of an assignment must be those of its day."""

    __tablename__ = "form_trial_share"

    since: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    share: Mapped[float] = mapped_column(Float, doc="the setting; small desks draw halves whatever it says, unless it is 0")


class FormTrialRow(Base):
    """Whether the trial of answers in the contact form was stopped, and why; one row."""

    __tablename__ = "form_trial"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    stopped_at: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text)
