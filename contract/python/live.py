"""A client made by ariadne-codegen, against the live server (scripts/contract starts it)."""

import os
import unittest

from guildhall_client import Guildhall
from guildhall_client.input_types import CreateOrganizationInput

URL = os.environ["GUILDHALL_URL"]
LOGIN = {"login": os.environ["GUILDHALL_LOGIN"], "password": os.environ["GUILDHALL_PASSWORD"]}


async def signed_in() -> Guildhall:
    answer = (await Guildhall(url=URL).sign_in(**LOGIN)).sign_in
    assert answer and not answer.user_errors, answer
    headers = {"authorization": f"Bearer {answer.token}"}
    return Guildhall(url=URL, headers=headers, ws_url=URL.replace("http", "ws", 1), ws_headers=headers)


class Contract(unittest.IsolatedAsyncioTestCase):
    async def test_reads_typed_values(self) -> None:
        async with await signed_in() as guildhall:
            organization = (await guildhall.organization_page(name="data-platform", first=3)).organization
            self.assertEqual(organization.name, "data-platform")
            self.assertIsNotNone(organization.created_at.tzinfo)
            self.assertEqual(len(organization.workspaces.edges), 3)
            things = (await guildhall.things(ids=[organization.id, "nothing"])).nodes
            self.assertEqual([things[0].typename__, things[1]], ["Organization", None])

    async def test_a_user_error_has_its_type(self) -> None:
        async with await signed_in() as guildhall:
            new = CreateOrganizationInput(name="data-platform", display_name="Again")
            payload = (await guildhall.create_organization(new)).create_organization
            self.assertIsNone(payload.organization)
            self.assertEqual([error.typename__ for error in payload.user_errors], ["NameTaken"])
            self.assertEqual(payload.user_errors[0].name, "data-platform")

    async def test_follows_a_log_over_a_websocket(self) -> None:
        async with await signed_in() as guildhall:
            organization = (await guildhall.organization_page(name="data-platform", first=5)).organization
            lines = []
            for edge in organization.workspaces.edges:
                async for event in guildhall.job_log(edge.node.latest_build.job.id):
                    lines.append(event.provisioner_job_logs.log.text)
                if lines:
                    break
            self.assertTrue(lines)


if __name__ == "__main__":
    unittest.main()
