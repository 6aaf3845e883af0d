-- Version 2: alerts. Where each rule stands, in the words of docs/alerts.md.

-- Events up to this number were looked at.
CREATE TABLE alert_cursors (
    rule TEXT PRIMARY KEY,
    seq INTEGER NOT NULL
) WITHOUT ROWID;

-- Troubles that are not over, as JSON.
CREATE TABLE alert_states (
    rule TEXT NOT NULL,
    trouble TEXT NOT NULL,
    subject TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (rule, trouble, subject)
) WITHOUT ROWID;

-- Notices that are to be delivered, in the order of their places.
CREATE TABLE alert_letters (
    rule TEXT NOT NULL,
    place INTEGER NOT NULL,
    id TEXT NOT NULL,
    notice TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    tried_at INTEGER,
    last_error TEXT,
    PRIMARY KEY (rule, place)
) WITHOUT ROWID;

-- Notices that nobody took in a day, the last 1000 of each rule.
CREATE TABLE dead_letters (
    letter INTEGER PRIMARY KEY,
    rule TEXT NOT NULL,
    id TEXT NOT NULL,
    notice TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    died_at INTEGER NOT NULL,
    error TEXT NOT NULL
);
CREATE INDEX dead_letter_by_rule ON dead_letters (rule, letter);
