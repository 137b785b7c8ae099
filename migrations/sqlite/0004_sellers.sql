-- Who offers the goods, and what sellers have in common: no contact and no text of a listing, only
-- keyed hashes of them (src/store/instance.rs). The same tables and columns as in ../postgres.

-- Keys of this instance's own, made when they are first needed.
CREATE TABLE secrets (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);

CREATE TABLE sellers (
    seller        BIGINT PRIMARY KEY NOT NULL,
    platform      TEXT NOT NULL,
    id            TEXT NOT NULL,
    name          TEXT,
    province      TEXT,
    province_key  TEXT,
    -- Over at most 512 listings: how many, how many that score high by what they say themselves,
    -- how many that have a price with a reference, and how many of those are far below it.
    listings      BIGINT NOT NULL,
    suspects      BIGINT NOT NULL,
    priced        BIGINT NOT NULL,
    cheap         BIGINT NOT NULL,
    -- The largest listing that was counted; null when all were.
    counted_to    BIGINT,
    -- Names of brands with their numbers of listings, as JSON.
    brands        TEXT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    last_seen_at  BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE listing_signs (
    listing    BIGINT PRIMARY KEY NOT NULL,
    listing_id TEXT NOT NULL REFERENCES listings (id) ON DELETE CASCADE,
    seller     BIGINT,
    -- The score without the seller's part, so that no score feeds on another.
    own_score  DOUBLE PRECISION NOT NULL,
    priced     BIGINT NOT NULL,
    cheap      BIGINT NOT NULL,
    brand_key  TEXT NOT NULL,
    sketch     TEXT
) WITHOUT ROWID;

CREATE INDEX listing_signs_id ON listing_signs (listing_id);
CREATE INDEX listing_signs_seller
    ON listing_signs (seller, listing, own_score, priced, cheap, brand_key);

-- Texts that are near copies of each other share at least one band.
CREATE TABLE copy_bands (
    band    BIGINT NOT NULL,
    listing BIGINT NOT NULL REFERENCES listing_signs (listing) ON DELETE CASCADE,
    PRIMARY KEY (band, listing)
) WITHOUT ROWID;

CREATE INDEX copy_bands_listing ON copy_bands (listing);

CREATE TABLE seller_contacts (
    contact BIGINT NOT NULL,
    seller  BIGINT NOT NULL,
    kind    TEXT NOT NULL,
    -- The newest listing that shows it.
    listing BIGINT NOT NULL REFERENCES listing_signs (listing) ON DELETE CASCADE,
    PRIMARY KEY (contact, seller)
) WITHOUT ROWID;

CREATE INDEX seller_contacts_listing ON seller_contacts (listing);

-- Each pair once, the smaller key first, with one pair of listings that shows the link.
CREATE TABLE seller_links (
    seller        BIGINT NOT NULL,
    other         BIGINT NOT NULL,
    -- The contact, or 0 for a text.
    mark          BIGINT NOT NULL,
    kind          TEXT NOT NULL,
    strength      DOUBLE PRECISION NOT NULL,
    listing       BIGINT NOT NULL REFERENCES listing_signs (listing) ON DELETE CASCADE,
    other_listing BIGINT NOT NULL REFERENCES listing_signs (listing) ON DELETE CASCADE,
    found_at      BIGINT NOT NULL,
    PRIMARY KEY (seller, other, mark)
) WITHOUT ROWID;

CREATE INDEX seller_links_other         ON seller_links (other);
CREATE INDEX seller_links_mark          ON seller_links (mark);
CREATE INDEX seller_links_listing       ON seller_links (listing);
CREATE INDEX seller_links_other_listing ON seller_links (other_listing);

-- What was decided of a seller's listings; it outlives the listing.
CREATE TABLE confirmed_cases (
    id           TEXT PRIMARY KEY NOT NULL,
    seller       BIGINT NOT NULL,
    listing      BIGINT NOT NULL,
    confirmed_at BIGINT NOT NULL
);

CREATE INDEX confirmed_cases_seller ON confirmed_cases (seller, confirmed_at);
