//! The tables of Guildhall as SeaORM entities, and its typed public ids.
