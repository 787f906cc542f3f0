-- $1: the organization's name, $2: who asks.
select json_build_object('data', json_build_object('organization', (
  select json_build_object('id', o.id, 'name', o.name, 'displayName', o.display_name)
  from organization o
  where o.name = $1 and o.deleted_at is null
    and exists (select from organization_member m where m.organization_id = o.id and m.user_id = $2))))::text
