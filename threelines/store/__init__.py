"""Keep what must not be lost and must not be read by others.

Three modules: `keyring` (keys and sealing), `database` (open, transactions, migrations), `audit`
(who did what, in a hash chain). `threelines.roles` says who may do what. An area, such as the
register or the console, uses them like this:

    MIGRATIONS = (("0001_queue", make_queue),)         # each: def make_queue(connection) -> None

    keyring = Keyring.open(Path("site.key"))           # or Keyring.create(Path("site.key"))
    store = Store.open("site.db")                      # or postgresql+psycopg://user@host/name
    store.migrate("console", MIGRATIONS)               # applied once, recorded, only additive
    audit = Audit(store, keyring)

    require(user, "finding.review", owner=row.owner, team=row.team)    # threelines.roles
    with store.write() as connection:                  # one transaction; BEGIN IMMEDIATE on SQLite
        connection.execute(table.insert().values(note=keyring.seal(text, b"console:note:" + id)))
        audit.note(connection, user, "finding.decide", record=id, reason="review")
    with store.read() as connection:
        note = keyring.open_sealed(row.note, b"console:note:" + id)

The context given to `seal` is bound to the ciphertext: name area, column and row id, so that a
value copied to another row does not open. Every column that a person typed is sealed; index
columns hold codes only.
"""
