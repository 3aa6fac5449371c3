/** The MCP example against the client of @modelcontextprotocol/sdk, which this project has not written. */

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import t from 'tap'

/** A client of the server, which it has started; gone when the test is over. */
async function connect(t) {
  const transport = new StdioClientTransport({ command: process.execPath, args: ['build/docs/examples/mcp-server.js'] })
  const client = new Client({ name: 'test', version: '1.0.0' })
  const errors = []
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the client is no EventTarget
  client.onerror = (error) => errors.push(error)
  await client.connect(transport)
  t.teardown(() => client.close())
  return { client, transport, errors }
}

t.test('@modelcontextprotocol/sdk: finds the tools, and calls them', async (t) => {
  const { client, errors } = await connect(t)
  t.same(client.getServerVersion(), { name: 'sums', version: '1.0.0' })
  t.same(client.getServerCapabilities(), { tools: {} })
  t.same(await client.ping(), {})
  const { tools } = await client.listTools()
  t.same(tools.map(({ name }) => name), ['sum', 'sha256'])
  t.same(await client.callTool({ name: 'sum', arguments: { numbers: [1, 2, 3.5] } }), { content: [{ type: 'text', text: '6.5' }] })
  t.match(await client.callTool({ name: 'sum', arguments: { numbers: 'x' } }), { isError: true })
  await t.rejects(client.callTool({ name: 'nope', arguments: {} }), { code: -32602 })
  t.same(errors, [])
})

t.test('@modelcontextprotocol/sdk: calls three hundred times at once, with texts of any kind', async (t) => {
  const { client, errors } = await connect(t)
  const texts = Array.from({ length: 300 }, (_, index) => `${'\n\r\n\u2028"\\ä😀'.repeat(index % 5)}${index}`)
  const results = await Promise.all(texts.map((text) => client.callTool({ name: 'sha256', arguments: { text } })))
  t.same(results.map(({ content }) => content[0].text), texts.map((text) => createHash('sha256').update(text).digest('hex')))
  t.same(errors, [])
})

t.test('@modelcontextprotocol/sdk: closes, and the server ends by itself', async (t) => {
  const { client, transport } = await connect(t)
  // Nothing public tells how it ended. The client kills one that stays.
  const exited = once(transport._process, 'exit')
  await client.close()
  t.same(await exited, [0, null])
})
