-- Version 2: what Criterion measured, apart from what forkbench did.

ALTER TABLE runs ADD COLUMN source TEXT NOT NULL DEFAULT 'forkbench';
DROP INDEX runs_by_name;
CREATE UNIQUE INDEX runs_by_name ON runs (source, name, seed);

ALTER TABLE series ADD COLUMN source TEXT NOT NULL DEFAULT 'forkbench';
DROP INDEX series_by_key;
CREATE UNIQUE INDEX series_by_key ON series (source, host, cell, phase);

-- When Criterion wrote a result, which is how it is known again.
ALTER TABLE trials ADD COLUMN written INTEGER;
