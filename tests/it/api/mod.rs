//! The API, most of it without a port: each test has a service and a store of its own.

mod health;
mod openapi;
mod products;
mod requests;
mod routes;
mod score;
mod sellers;
mod server;
mod shadow;
mod stream;
mod suspects;
mod swap;
