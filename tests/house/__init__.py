"""What tests of more than one service begin with, on real parts; nothing here is a stand-in.

Fixtures, there for every test without an import:

- `identity`: the identity service, open, with its relay and its consumer running, on a database,
  objects and keys of the test's own. It holds two talents who consented and whose capture sets
  are ready, `identity.alba` and `identity.cleo`, and `identity.agency`, which represents Alba.
  They are made once a run and copied for each test, which then starts in under a second.
- `tiny_bases`: a folder of base pipelines with one in it, "tiny": random weights, 256 pixels.

    async def test_a_brand_asks(identity: Identity) -> None:
        talent, brand = identity.alba, await identity.party("brand")
        talent.id, talent.consent, talent.capture_set_id, talent.sign(b"...")
        own = Settings(identity_address=identity.address, objects_url=identity.objects_url)
        with identity.as_(brand):  # whoever is asked now sees the brand as the actor
            await rpc.call(stub.GetQuote, ...)
        await identity.withdrawn(talent, talent.consent)  # the event is on the test's bus

`house.people` has the people and their calls, `house.databases` a database of any service, and
`house.tables` compares a service's tables with its migrations.
"""
