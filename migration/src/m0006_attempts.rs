//! Sign-ins of the last minute, counted for all servers together.

crate::dialect::migration!("m0006_attempts", up: UP, down: DOWN);

const UP: &[&str] = &[
    // The key is `account:` or `address:` and a hash: what people type as their name may be their password.
    "create table sign_in_attempt (
        key text not null primary key,
        attempts integer not null,
        began_at {time} not null,
        constraint ck_sign_in_attempt_attempts check (attempts > 0)
    )",
    "create index ix_sign_in_attempt_began_at on sign_in_attempt (began_at)",
];

const DOWN: &[&str] = &["drop table sign_in_attempt"];
