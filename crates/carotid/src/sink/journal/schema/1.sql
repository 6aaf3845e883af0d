-- Version 1. All times are milliseconds since 1970 in UTC; names ending in _ms are durations.

-- One row: which journal this is.
CREATE TABLE journal (
    id TEXT NOT NULL
);

-- The daemon's own life. A run without an end either goes on or was cut short after last_alive_at.
CREATE TABLE runs (
    run INTEGER PRIMARY KEY,
    started_at INTEGER NOT NULL,
    last_alive_at INTEGER NOT NULL,
    ended_at INTEGER
);

-- When the daemon did not look: between two runs, or while it stalled.
CREATE TABLE absences (
    began_at INTEGER PRIMARY KEY,
    ended_at INTEGER NOT NULL
);

-- The services, and how each is. The hours account for its time until accounted_to.
CREATE TABLE services (
    service INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    since INTEGER NOT NULL,
    reason TEXT,
    accounted_to INTEGER NOT NULL
);

-- One row a session; its number is that of the event that opened it.
CREATE TABLE sessions (
    session INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    service INTEGER REFERENCES services,
    epoch INTEGER NOT NULL,
    interval_ms INTEGER NOT NULL,
    timeout_ms INTEGER NOT NULL,
    longest_stall_ms INTEGER NOT NULL,
    peer TEXT,
    opened_at INTEGER NOT NULL,
    ended_at INTEGER,
    ended_as TEXT,
    cause TEXT,
    last_beat_at INTEGER,
    verdict INTEGER REFERENCES events
);
CREATE INDEX session_by_name ON sessions (name);
CREATE INDEX session_by_end ON sessions (ended_at);

-- One row an event, numbered without gaps.
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    session INTEGER REFERENCES sessions,
    service INTEGER REFERENCES services,
    cause TEXT,
    silent_ms INTEGER,
    peer TEXT,
    evidence TEXT,
    detail TEXT,
    -- Events of one era are together in the index, so that what is written at one time, and forgotten at
    -- one time, is in few pages of it, whichever sessions it is of.
    era INTEGER GENERATED ALWAYS AS (seq >> 17) VIRTUAL
);
CREATE INDEX event_by_session ON events (era, session) WHERE session IS NOT NULL;
CREATE INDEX event_by_service ON events (service) WHERE service IS NOT NULL;

-- How long each service was how, hour by hour. Its time since accounted_to is not in here yet.
CREATE TABLE service_hours (
    service INTEGER NOT NULL REFERENCES services,
    hour INTEGER NOT NULL,
    pass_ms INTEGER NOT NULL,
    warn_ms INTEGER NOT NULL,
    down_ms INTEGER NOT NULL,
    unknown_ms INTEGER NOT NULL,
    opened INTEGER NOT NULL,
    deaths INTEGER NOT NULL,
    reason TEXT,
    PRIMARY KEY (service, hour)
) WITHOUT ROWID;

-- The same for people.
CREATE VIEW event_log AS
SELECT
    e.seq,
    strftime('%Y-%m-%dT%H:%M:%fZ', e.at / 1000.0, 'unixepoch') AS at,
    e.kind,
    s.name,
    s.epoch,
    e.cause,
    e.silent_ms,
    e.peer,
    e.session,
    e.evidence,
    e.detail
FROM events AS e LEFT JOIN sessions AS s USING (session);

CREATE VIEW session_log AS
SELECT
    s.session,
    s.name,
    v.name AS service,
    s.epoch,
    coalesce(s.ended_as, 'watched') AS health,
    s.cause,
    strftime('%Y-%m-%dT%H:%M:%fZ', s.opened_at / 1000.0, 'unixepoch') AS opened_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', s.last_beat_at / 1000.0, 'unixepoch') AS last_beat_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', s.ended_at / 1000.0, 'unixepoch') AS ended_at,
    s.interval_ms,
    s.timeout_ms,
    s.longest_stall_ms,
    s.peer
FROM sessions AS s LEFT JOIN services AS v USING (service);

CREATE VIEW service_log AS
SELECT
    v.name AS service,
    strftime('%Y-%m-%dT%H:00Z', h.hour / 1000, 'unixepoch') AS hour,
    h.pass_ms,
    h.warn_ms,
    h.down_ms,
    h.unknown_ms,
    h.opened,
    h.deaths,
    h.reason
FROM service_hours AS h JOIN services AS v USING (service);
