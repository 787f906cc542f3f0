-- $1: the organization's name, $2: who asks, $3 and $4: time and id of the last workspace of the page before.
select json_object('data', json_object('organization', (
  select json_object('workspaces', (
    select json_object(
      'totalCount', (select count(*) from workspace w where w.organization_id = o.id and w.deleted_at is null),
      'pageInfo', json_object('hasNextPage', json(case when count(*) > 50 then 'true' else 'false' end),
        'endCursor', max(x.c) filter (where x.rn = 50)),
      'nodes', json_group_array(json(x.j) order by x.rn) filter (where x.rn <= 50))
    from (
      select json_object('id', hex(w.id), 'name', w.name, 'createdAt', w.created_at,
          'owner', json_object('username', u.username), 'template', json_object('name', t.name),
          'latestBuild', json_object('status', j.state, 'transition', b.transition, 'createdAt', b.created_at)) j,
        w.created_at || '/' || hex(w.id) c, row_number() over (order by w.created_at desc, w.id desc) rn
      from (select * from workspace w where w.organization_id = o.id and w.deleted_at is null
            and (w.created_at, w.id) < ($3, $4) order by w.created_at desc, w.id desc limit 51) w
      join "user" u on u.id = w.owner_id join template t on t.id = w.template_id
      join workspace_build b on b.id = w.latest_build_id
      join provisioner_job j on j.id = b.provisioner_job_id) x))
  from organization o
  where o.name = $1 and o.deleted_at is null
    and exists (select 1 from organization_member m where m.organization_id = o.id and m.user_id = $2))))
