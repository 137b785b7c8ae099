-- What a second model says of listings that the live one scored, for comparing the two: no text of
-- a listing, and no answer shows it. The same columns as in ../sqlite.

CREATE TABLE shadow_scores (
    shadow_model   TEXT NOT NULL,
    live_model     TEXT NOT NULL,
    content_sha256 TEXT NOT NULL,
    -- As the client sent it; not a key, since the listing itself need not be kept.
    listing_id     TEXT,
    live_score     DOUBLE PRECISION NOT NULL,
    live_band      TEXT NOT NULL,
    shadow_score   DOUBLE PRECISION NOT NULL,
    shadow_band    TEXT NOT NULL,
    scored_at      BIGINT NOT NULL,
    PRIMARY KEY (shadow_model, live_model, content_sha256)
);
