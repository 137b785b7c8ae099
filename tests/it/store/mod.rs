//! The store, the same suite on SQLite and, where `TEST_DATABASE_URL` names one, PostgreSQL.

mod audit;
mod backup;
mod database;
mod keys;
mod listings;
mod migrations;
mod open;
mod products;
mod sellers;
mod sessions;
mod shadow;
mod suspects;
