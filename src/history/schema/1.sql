-- Version 1: runs of forkbench. docs/FORMATS.md says what each column means.

CREATE TABLE hosts (
    id INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    traits TEXT NOT NULL
) STRICT;

CREATE TABLE kernels (
    id INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    release TEXT NOT NULL,
    traits TEXT NOT NULL
) STRICT;

CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    seed INTEGER NOT NULL,
    digest BLOB NOT NULL,
    started INTEGER NOT NULL,
    finished INTEGER,
    added INTEGER NOT NULL,
    host INTEGER NOT NULL REFERENCES hosts (id),
    kernel INTEGER REFERENCES kernels (id),
    revision TEXT,
    branch TEXT,
    path TEXT,
    tool TEXT NOT NULL,
    cells INTEGER NOT NULL,
    unmeasured INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX runs_by_name ON runs (name, seed);
CREATE INDEX runs_by_time ON runs (started);

CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    host INTEGER NOT NULL REFERENCES hosts (id),
    cell TEXT NOT NULL,
    phase TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX series_by_key ON series (host, cell, phase);

-- What a trend is read from: the points of a series lie side by side, in the order of time. Neither this table
-- nor the two below refer to others by a foreign key: taking a run away would look through all of them for it.
CREATE TABLE levels (
    series INTEGER NOT NULL,
    started INTEGER NOT NULL,
    run INTEGER NOT NULL,
    trials INTEGER NOT NULL,
    p10 INTEGER NOT NULL,
    p50 INTEGER NOT NULL,
    low INTEGER NOT NULL,
    high INTEGER NOT NULL,
    PRIMARY KEY (series, started, run)
) STRICT, WITHOUT ROWID;

-- What the levels were made from, trial by trial. By run, so that adding one writes at the end.
CREATE TABLE trials (
    run INTEGER NOT NULL,
    series INTEGER NOT NULL,
    figures BLOB NOT NULL,
    PRIMARY KEY (run, series)
) STRICT, WITHOUT ROWID;

CREATE TABLE unmeasured (
    run INTEGER NOT NULL,
    cell TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    PRIMARY KEY (run, cell)
) STRICT, WITHOUT ROWID;
