-- Times are microseconds since 1970 (UTC); hashes are SHA-256 in hexadecimal; texts that clients
-- choose are written as src/store/dialect.rs says. The same tables and columns as in ../postgres.

CREATE TABLE listings (
    id             TEXT PRIMARY KEY NOT NULL,
    content_sha256 TEXT NOT NULL,
    score          DOUBLE PRECISION NOT NULL,
    band           TEXT NOT NULL,
    model          TEXT NOT NULL,
    weights_sha256 TEXT NOT NULL,
    platform       TEXT,
    province       TEXT,
    brand          TEXT,
    -- The names as they are compared: without case, diacritics and blanks.
    platform_key   TEXT,
    province_key   TEXT,
    brand_key      TEXT,
    price_amount   DOUBLE PRECISION,
    price_currency TEXT,
    seller         TEXT,
    first_seen_at  BIGINT NOT NULL,
    changed_at     BIGINT NOT NULL,
    last_seen_at   BIGINT NOT NULL,
    title          TEXT NOT NULL,
    url            TEXT,
    line           TEXT NOT NULL,
    -- The largest column, last: what stands before it is read without it.
    json           TEXT NOT NULL
);

CREATE INDEX listings_ranked          ON listings (score DESC, id);
CREATE INDEX listings_ranked_band     ON listings (band, score DESC, id);
CREATE INDEX listings_ranked_platform ON listings (platform_key, score DESC, id);
CREATE INDEX listings_ranked_province ON listings (province_key, score DESC, id);
CREATE INDEX listings_ranked_brand    ON listings (brand_key, score DESC, id);

CREATE TABLE assessments (
    listing_id     TEXT NOT NULL REFERENCES listings (id) ON DELETE CASCADE,
    content_sha256 TEXT NOT NULL,
    model          TEXT NOT NULL,
    weights_sha256 TEXT NOT NULL,
    score          DOUBLE PRECISION NOT NULL,
    band           TEXT NOT NULL,
    assessed_at    BIGINT NOT NULL,
    line           TEXT NOT NULL,
    PRIMARY KEY (listing_id, content_sha256, model, weights_sha256)
);

CREATE INDEX assessments_newest ON assessments (listing_id, assessed_at DESC);

CREATE TABLE keys (
    id            TEXT PRIMARY KEY NOT NULL,
    name          TEXT NOT NULL,
    role          TEXT NOT NULL,
    agency        TEXT,
    -- A JSON array of names; empty: all provinces.
    provinces     TEXT NOT NULL,
    secret_sha256 TEXT NOT NULL UNIQUE,
    created_at    BIGINT NOT NULL,
    revoked_at    BIGINT
);

CREATE TABLE sign_ins (
    token_sha256 TEXT PRIMARY KEY NOT NULL,
    key_id       TEXT NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
    expires_at   BIGINT NOT NULL
);

CREATE INDEX sign_ins_key ON sign_ins (key_id);

CREATE TABLE sessions (
    token_sha256 TEXT PRIMARY KEY NOT NULL,
    key_id       TEXT NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);

CREATE INDEX sessions_key ON sessions (key_id);

CREATE TABLE audit (
    seq     BIGINT PRIMARY KEY NOT NULL,
    at      BIGINT NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    details TEXT NOT NULL,
    -- Over the hash of the row before and all columns of this one.
    sha256  TEXT NOT NULL
);

-- The number and hash of the newest row; its one row is the lock that keeps the log in order.
CREATE TABLE audit_head (
    one    BIGINT PRIMARY KEY NOT NULL CHECK (one = 1),
    seq    BIGINT NOT NULL,
    sha256 TEXT NOT NULL
);

INSERT INTO audit_head (one, seq, sha256) VALUES (1, 0, '');
