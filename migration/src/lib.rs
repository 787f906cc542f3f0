//! Reversible migrations for SQLite and PostgreSQL.
