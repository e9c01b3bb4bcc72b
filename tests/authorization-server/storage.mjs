// What oidc-provider remembers (clients, sessions, codes, grants), kept in one Map for as long as the process lives.

/** An adapter factory for oidc-provider, which itself refuses whatever has expired. */
export function memoryStorage() {
  const records = new Map();
  return (model) => ({
    async upsert(id, payload) { records.set(`${model}:${id}`, { model, payload }); },
    async find(id) { return records.get(`${model}:${id}`)?.payload; },
    async findByUid(uid) {
      return [...records.values()].find((record) => record.model === model && record.payload.uid === uid)?.payload;
    },
    async consume(id) { records.get(`${model}:${id}`).payload.consumed = Math.floor(Date.now() / 1000); },
    async destroy(id) { records.delete(`${model}:${id}`); },
    async revokeByGrantId(grantId) {
      for (const [key, { payload }] of records) if (payload.grantId === grantId) records.delete(key);
    },
  });
}
