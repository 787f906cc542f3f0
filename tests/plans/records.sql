-- What the benchmarks do not ask for: the log of some years, keys and daemons, sessions and tokens, the lines of a job, and
-- what is dear to somebody or asleep. In the manner of benches/dataset.sql.

insert into audit_log (id, time, actor_kind, actor_id, actor_name, organization_id, action, resource, resource_id,
    resource_name, diff, status, request_id, ip)
{series workspaces}
select {id 12|n}, {at n * 600}, 'USER', {id 2|who}, 'somebody', {id 1|place},
    case n % 3 when 0 then 'CREATE' when 1 then 'UPDATE' else 'DELETE' end,
    case n % 5 when 0 then 'ORGANIZATION' when 1 then 'GROUP' else 'MEMBER' end, {id 3|n % 2000 + 1}, 'something', {json '{}'},
    case n % 50 when 0 then 'DENIED' else 'SUCCESS' end, '', ''
from (select n, n % {users} + 1 as who, n % {organizations} + 1 as place from series) as entry

insert into provisioner_key (id, organization_id, name, tags, secret_hash, created_by, created_at, updated_at)
{series groups}
select {id 13|n}, {id 1|(n - 1) / 20 + 1}, 'key-' || n, {json '{}'}, {bytes n}, {id 2|n}, {at n * 60}, {at n * 60}
from series

insert into provisioner_daemon (id, organization_id, provisioner_key_id, name, version, engines, tags, last_seen_at,
    created_at, updated_at)
{series groups}
select {id 14|n}, {id 1|(n - 1) / 20 + 1}, {id 13|n}, 'daemon-' || n, '1', {json '[]'}, {json '{}'}, {at n * 60},
    {at n * 60}, {at n * 60}
from series

insert into session (id, user_id, ip, user_agent, created_at, last_used_at, expires_at)
{series users}
select {id 15|n}, {id 2|n}, '', '', {at n * 60}, {at n * 60}, {at n * 60 + 100000000}
from series

insert into api_token (id, user_id, name, secret_hash, created_by, created_at, expires_at)
{series users}
select {id 16|n}, {id 2|n}, 'token', {bytes n}, {id 2|n}, {at n * 60}, {at n * 60 + 100000000}
from series

insert into provisioner_job_log (provisioner_job_id, sequence, organization_id, time, level, source, stage, text)
{series users}
select job.id, n / 10 + 1, job.organization_id, {at n}, 'INFO', 'DAEMON', 'Plan', 'a line'
from series
join (select id, organization_id, row_number() over (order by created_at desc) - 1 as place from provisioner_job) as job
    on job.place = n % 10

update workspace set dormant_at = created_at where name like '%000'

insert into workspace_favorite (user_id, workspace_id, organization_id, created_at)
select owner_id, id, organization_id, created_at from workspace where dormant_at is not null
