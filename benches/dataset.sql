-- The data set of the benchmarks, for both databases: 100 organizations, 10 k users, about 30 k memberships, 2 k groups
-- with about 60 k members, 3 k templates, 100 k workspaces, about 300 k builds with their jobs. Half of the workspaces are
-- in the ten big organizations, and a third of those belong to one person. Deterministic: every value comes from row
-- numbers. `dataset.rs` says what the words in braces stand for; statements are separated by blank lines.
--
-- The actor of the queries is `bench`, administrator of org-1 … org-5. The script creates that user before.

insert into organization (id, name, display_name, description, icon, is_default, version, created_at, updated_at)
{series organizations}
select {id 1|n}, 'org-' || n, 'Organization ' || n, 'Organization number ' || n || ' of the benchmark', '', false, 1,
    {at n * 3600}, {at n * 3600}
from series

insert into "user" (id, username, email, name, avatar_url, status, login_type, password_hash, site_roles,
    is_service_account, last_seen_at, version, created_at, updated_at, deleted_at)
{series users}
select {id 2|n}, 'user' || {pad n}, 'user' || n || '@example.com', 'User Number ' || n, '', 'ACTIVE', 'NONE', null,
    {json '[]'}, false, null, 1, {at 777600 + n * 300}, {at 777600 + n * 300}, null
from series

-- Who is where: user u is in one to five organizations, the first of them always u % 100 + 1.
create table bench_place (organization integer not null, number integer not null, primary key (organization, number))

insert into bench_place (organization, number)
{series users}
select (n + k.k * (3 + 2 * ((n / 500) % 10))) % {organizations} + 1, n
from series, (select 0 as k union all select 1 union all select 2 union all select 3 union all select 4) as k
where k.k <= (n / 100) % 5
on conflict do nothing

create table bench_member as
select organization, number, row_number() over (partition by organization order by number) - 1 as place,
    count(*) over (partition by organization) as members
from bench_place

create index ix_bench_member on bench_member (organization, place)

insert into organization_member (organization_id, user_id, username, roles, created_at, updated_at)
select {id 1|organization}, {id 2|number}, 'user' || {pad number},
    case when {hash number * 7 + organization|2} % 50 = 0 then {json '["organization-admin"]'}
        when {hash number * 7 + organization|2} % 50 < 4 then {json '["organization-template-admin"]'}
        else {json '[]'} end,
    {at 777600 + number * 300}, {at 777600 + number * 300}
from bench_member

insert into organization_member (organization_id, user_id, username, roles, created_at, updated_at)
select o.id, u.id, u.username, {json '["organization-admin"]'}, u.created_at, u.created_at
from "user" u, organization o
where u.username = 'bench' and o.name in ('org-1', 'org-2', 'org-3', 'org-4', 'org-5')

-- Everyone has its organization's id.
insert into "group" (id, organization_id, name, display_name, avatar_url, quota_allowance, source, created_at, updated_at)
{series organizations}
select {id 1|n}, {id 1|n}, 'everyone', 'Everyone', '', 0, 'USER', {at n * 3600}, {at n * 3600}
from series

insert into "group" (id, organization_id, name, display_name, avatar_url, quota_allowance, source, created_at, updated_at)
{series groups}
select {id 3|n}, {id 1|(n - 1) / 20 + 1}, 'group-' || {pad n}, 'Group ' || n, '', (n % 20) * 10, 'USER',
    {at 4320000 + n * 60}, {at 4320000 + n * 60}
from series

insert into group_member (organization_id, group_id, user_id, username, created_at)
{series groups}
select {id 1|m.organization}, {id 3|n}, {id 2|m.number}, 'user' || {pad m.number}, {at 4320000 + n * 60}
from series join bench_member m on m.organization = (n - 1) / 20 + 1
where {hash n * 10007 + m.number|4} % 10 = 0

insert into file_content (sha256, size, created_at)
select {bytes 1}, 1, {at 0}

insert into file (id, sha256, mimetype, size, created_by, created_at)
select {id 4|1}, {bytes 1}, 'application/gzip', 1, {id 2|1}, {at 0}

insert into template (id, organization_id, name, display_name, description, icon, active_version_id,
    deprecation_message, created_by, version, created_at, updated_at, deleted_at)
{series templates}
select {id 5|n}, {id 1|(n - 1) / 30 + 1}, 'template-' || {pad n}, 'Template ' || n, 'Template number ' || n, '', null,
    '', {id 2|(n - 1) / 30 + 1}, 1, {at 5184000 + n * 60}, {at 5184000 + n * 60}, null
from series

insert into provisioner_job (id, organization_id, type, state, tags, priority, initiator_id, owner_id, attempts,
    log_bytes, started_at, completed_at, created_at, updated_at)
{series versions}
select {id 7|n}, {id 1|(n - 1) / 90 + 1}, 'TEMPLATE_IMPORT', 'SUCCEEDED', {json '{}'}, 0, {id 2|(n - 1) / 90 + 1},
    {id 2|(n - 1) / 90 + 1}, 1, 0, {at 5184000 + n * 60}, {at 5184000 + n * 60}, {at 5184000 + n * 60},
    {at 5184000 + n * 60}
from series

insert into template_version (id, organization_id, template_id, name, message, readme, file_id, provisioner_job_id,
    variables, promote_on_success, archived, created_by, created_at, updated_at)
{series versions}
select {id 6|n}, {id 1|(n - 1) / 90 + 1}, {id 5|(n - 1) / 3 + 1}, 'v' || ((n - 1) % 3 + 1), '', '', {id 4|1},
    {id 7|n}, {json '[]'}, true, false, {id 2|(n - 1) / 90 + 1}, {at 5184000 + n * 60}, {at 5184000 + n * 60}
from series

update template set active_version_id =
    (select v.id from template_version v where v.template_id = template.id order by v.created_at desc limit 1)

insert into template_acl (id, organization_id, template_id, user_id, group_id, role, created_at)
{series templates}
select {id 11|n}, {id 1|(n - 1) / 30 + 1}, {id 5|n}, null, {id 1|(n - 1) / 30 + 1}, 'USE', {at 5184000 + n * 60}
from series

-- One line for each workspace: its organization, its owner's place among the members, its template, its builds, how the last
-- of them ended (one in five did not succeed), and whether they are of an earlier version than the active one (one in four).
create table bench_workspace as
{series workspaces}
select n, organization, template, builds, {hash n|20} % 4 = 0 as outdated,
    case when {hash n|18} % 5 > 0 then 'SUCCEEDED' when {hash n|18} % 2 = 0 then 'FAILED' else 'CANCELED' end as state,
    case when organization <= {big} and third then 0 else place % (select m.members from bench_member m
        where m.organization = x.organization limit 1) end as place
from (select n, {hash n|14} % 3 = 0 as third, {hash n|15} as place, 1 + {hash n|19} % {builds} as builds,
        {hash n|16} % 30 as template,
        case when {hash n|12} % 2 = 0 then 1 + {hash n|13} % {big}
            else {big} + 1 + {hash n|13} % ({organizations} - {big}) end as organization
    from series) as x

-- With what the triggers would make of their builds, and find made already: that much for each of them takes its time.
insert into workspace (id, organization_id, owner_id, template_id, name, last_used_at, latest_build_id, status, outdated,
    version, created_at, updated_at, deleted_at)
select {id 8|w.n}, {id 1|w.organization}, {id 2|m.number}, {id 5|(w.organization - 1) * 30 + w.template + 1}, 'ws-' || w.n,
    null, {id 9|w.n * 5 + w.builds},
    case when w.state <> 'SUCCEEDED' then w.state when w.builds % 2 = 1 then 'RUNNING' else 'STOPPED' end, w.outdated,
    1, {at 7862400 + w.n * 330}, {at 7862400 + w.n * 330}, null
from bench_workspace w join bench_member m on m.organization = w.organization and m.place = w.place

-- The earlier builds succeeded.
create table bench_build as
select w.n * 5 + b.b as n, w.n as workspace, b.b as number, w.organization, m.number as owner,
    (w.organization - 1) * 90 + w.template * 3 + case when w.outdated then 2 else 3 end as version,
    case when b.b < w.builds then 'SUCCEEDED' else w.state end as state
from bench_workspace w
join bench_member m on m.organization = w.organization and m.place = w.place
join (select 1 as b union all select 2 union all select 3 union all select 4 union all select 5) as b on b.b <= w.builds

insert into provisioner_job (id, organization_id, type, state, tags, priority, initiator_id, owner_id, attempts,
    log_bytes, started_at, completed_at, created_at, updated_at)
select {id 10|n}, {id 1|organization}, 'WORKSPACE_BUILD', state, {json '{}'}, 0, {id 2|owner}, {id 2|owner}, 1, 0,
    {at 7862400 + workspace * 330 + number * 25200}, {at 7862400 + workspace * 330 + number * 25200},
    {at 7862400 + workspace * 330 + number * 25200}, {at 7862400 + workspace * 330 + number * 25200}
from bench_build

insert into workspace_build (id, organization_id, workspace_id, number, template_version_id, transition, reason,
    initiator_id, provisioner_job_id, active, parameters, resources, apps, metadata, daily_cost, created_at, updated_at)
select {id 9|n}, {id 1|organization}, {id 8|workspace}, number, {id 6|version},
    case when number % 2 = 1 then 'START' else 'STOP' end, 'INITIATOR', {id 2|owner}, {id 10|n}, false, {json '[]'},
    {json '[]'}, {json '[]'}, {json '{}'}, 1, {at 7862400 + workspace * 330 + number * 25200},
    {at 7862400 + workspace * 330 + number * 25200}
from bench_build order by number desc

drop table bench_build

drop table bench_workspace

drop table bench_member

drop table bench_place

-- What searches compare; all texts here are ASCII.
update "user" set name_folded = lower(name), email_folded = lower(email)

update organization set display_name_folded = lower(display_name)

update "group" set display_name_folded = lower(display_name)

update template set display_name_folded = lower(display_name)

update template_version set message_folded = lower(message)
