-- Products by their number: the registry against which product codes in listings are compared.
-- Prices are in VND. The same columns as in ../sqlite.

CREATE TABLE products (
    -- Fourteen digits, shorter numbers with zeros before them.
    gtin          TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    -- Counts the changes, from 1: who changes a product says which one was seen.
    version       BIGINT NOT NULL,
    brand         TEXT NOT NULL,
    -- The name as it is compared: without case, diacritics and blanks.
    brand_key     TEXT NOT NULL,
    name          TEXT NOT NULL,
    owner         TEXT,
    country       TEXT,
    -- A JSON array of objects with kind and reference.
    documents     TEXT NOT NULL,
    price_low     DOUBLE PRECISION,
    price_typical DOUBLE PRECISION,
    status        TEXT NOT NULL,
    source        TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);

CREATE INDEX products_brand ON products (brand_key, gtin);
