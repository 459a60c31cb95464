// openai-node, unmodified, against a server: `node conversations.cjs BASE_URL`.
const assert = require("node:assert/strict");
const OpenAI = require("openai").default;

const client = new OpenAI({ baseURL: process.argv[2], maxRetries: 0 });
const user = (text) => ({ type: "message", role: "user", content: [{ type: "input_text", text }] });
const numbers = (from, to) => Array.from({ length: to - from }, (_, index) => user(String(from + index)));

async function main() {
  const made = await client.conversations.create({ items: numbers(0, 20), metadata: { a: "b" } });
  assert.deepEqual(await client.conversations.retrieve(made.id), made);
  const updated = await client.conversations.update(made.id, { metadata: { c: "d" } });
  assert.deepEqual(updated.metadata, { c: "d" });
  await client.conversations.items.create(made.id, { items: numbers(20, 40) });
  await client.conversations.items.create(made.id, { items: numbers(40, 45) });
  for (const order of ["asc", "desc"]) {
    const seen = [];
    for await (const item of client.conversations.items.list(made.id, { order, limit: 10 })) {
      seen.push(item.content[0].text);
    }
    const expected = Array.from({ length: 45 }, (_, index) => String(index));
    assert.deepEqual(seen, order === "asc" ? expected : expected.reverse());
  }
  const page = await client.conversations.items.list(made.id, { limit: 1, include: ["message.output_text.logprobs"] });
  const [newest] = page.data;
  const which = { conversation_id: made.id };
  assert.deepEqual(await client.conversations.items.retrieve(newest.id, which), newest);
  assert.equal((await client.conversations.items.delete(newest.id, which)).id, made.id);

  const question = { model: "echo", input: "What did I say first?", conversation: made.id };
  const response = await client.responses.create(question);
  assert.equal(response.conversation.id, made.id);
  assert.equal(response.output_text, "You said 44 things before this. The first was: 0");
  let streamed = "";
  for await (const event of await client.responses.create({ ...question, stream: true })) {
    if (event.type === "response.output_text.delta") streamed += event.delta;
  }
  assert.equal(streamed, "You said 45 things before this. The first was: 0");

  assert.equal((await client.conversations.delete(made.id)).deleted, true);
  await assert.rejects(client.conversations.retrieve(made.id), { status: 404, code: "not_found" });
  await assert.rejects(client.responses.create(question), { status: 404, param: "conversation" });
  console.log("done");
}

main();
