-- A queue that is long, in an organization that has done much. In the manner of benches/dataset.sql; the organization is the
-- one that the test has made, and nobody works in it.

insert into provisioner_job (id, organization_id, type, state, tags, priority, turn, initiator_id, owner_id, attempts,
    log_bytes, started_at, completed_at, created_at, updated_at)
{series workspaces}
select {id 10|n}, place.id, 'TEMPLATE_IMPORT', 'SUCCEEDED', {json '{}'}, 0, n / 100, person.id, person.id, 1, 0,
    {at n * 60}, {at n * 60 + n % 100}, {at n * 60}, {at n * 60}
from series, (select id from organization where name = 'busy') as place,
    (select id from "user" where username = 'bench') as person

insert into provisioner_job (id, organization_id, type, state, tags, priority, turn, initiator_id, owner_id, attempts,
    log_bytes, created_at, updated_at)
{series users}
select {id 17|n}, place.id, 'TEMPLATE_IMPORT', 'PENDING', {json '{"pool": "other"}'}, 0, 7 + n / 10, person.id, person.id, 0,
    0, {at n}, {at n}
from series, (select id from organization where name = 'busy') as place,
    (select id from "user" where username = 'bench') as person
