-- $1: the organization's name, $2: who asks.
select json_object('data', json_object('organization', (
  select json_object('id', hex(o.id), 'name', o.name, 'displayName', o.display_name,
    'members', json_object('nodes', (select json_group_array(json(x.j)) from (
      select json_object('roles', json((select json_group_array(json_object('name', r.value)) from json_each(m.roles) r)),
        'user', json_object('id', hex(u.id), 'username', u.username, 'email', u.email)) j
      from organization_member m join "user" u on u.id = m.user_id
      where m.organization_id = o.id order by m.username limit 20) x)),
    'groups', json_object('nodes', (select json_group_array(json(x.j)) from (
      select json_object('name', g.name,
        'memberCount', (select count(*) from group_membership gm where gm.group_id = g.id),
        'members', json_object('nodes', (select json_group_array(json(y.j)) from (
          select json_object('user', json_object('username', u.username)) j
          from group_membership gm
          join "user" u on u.id = gm.user_id
          where gm.group_id = g.id order by gm.user_id limit 5) y))) j
      from "group" g where g.organization_id = o.id order by g.name limit 20) x)),
    'templates', json_object('nodes', (select json_group_array(json(x.j)) from (
      select json_object('name', t.name, 'activeVersion', json_object('id', hex(v.id), 'name', v.name)) j
      from template t join template_version v on v.id = t.active_version_id
      where t.organization_id = o.id and t.deleted_at is null order by t.name limit 20) x)),
    'workspaces', json_object('nodes', (select json_group_array(json(x.j)) from (
      select json_object('id', hex(w.id), 'name', w.name, 'owner', json_object('username', u.username),
        'template', json_object('name', t.name), 'latestBuild',
        json_object('status', j.state, 'transition', b.transition, 'createdAt', b.created_at)) j
      from (select * from workspace w where w.organization_id = o.id and w.deleted_at is null
            order by w.created_at desc, w.id desc limit 20) w
      join "user" u on u.id = w.owner_id join template t on t.id = w.template_id
      join workspace_build b on b.id = w.latest_build_id
      join provisioner_job j on j.id = b.provisioner_job_id
      order by w.created_at desc, w.id desc) x)))
  from organization o
  where o.name = $1 and o.deleted_at is null
    and exists (select 1 from organization_member m where m.organization_id = o.id and m.user_id = $2))))
