-- $2: who asks.
select json_object('data', json_object('organizations', json_object('nodes', (select json_group_array(json(z.j)) from (
  select json_object('id', hex(o.id), 'name', o.name, 'displayName', o.display_name,
    'workspaces', json_object('nodes', (select json_group_array(json(x.j)) from (
      select json_object('id', hex(w.id), 'name', w.name, 'owner', json_object('username', u.username),
        'template', json_object('name', t.name), 'latestBuild',
        json_object('status', j.state, 'transition', b.transition, 'createdAt', b.created_at)) j
      from (select * from workspace w where w.organization_id = o.id and w.deleted_at is null
            order by w.created_at desc, w.id desc limit 10) w
      join "user" u on u.id = w.owner_id join template t on t.id = w.template_id
      join workspace_build b on b.id = w.latest_build_id
      join provisioner_job j on j.id = b.provisioner_job_id
      order by w.created_at desc, w.id desc) x))) j
  from organization_member m join organization o on o.id = m.organization_id
  where m.user_id = $2 and o.deleted_at is null and $1 is not null order by o.name limit 25) z))))
