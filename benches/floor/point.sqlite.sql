-- $1: the organization's name, $2: who asks.
select json_object('data', json_object('organization', (
  select json_object('id', hex(o.id), 'name', o.name, 'displayName', o.display_name)
  from organization o
  where o.name = $1 and o.deleted_at is null
    and exists (select 1 from organization_member m where m.organization_id = o.id and m.user_id = $2))))
