/** The LSP example against vscode-jsonrpc, the client side of an editor, which this project has not written. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { StreamMessageReader, StreamMessageWriter, createMessageConnection } from 'vscode-jsonrpc/node'

/** The server as a process, and a connection to it; gone when the test is over. */
function start(t) {
  const child = spawn(process.execPath, ['build/docs/examples/lsp-server.js'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const connection = createMessageConnection(new StreamMessageReader(child.stdout), new StreamMessageWriter(child.stdin))
  const errors = []
  connection.onError((error) => errors.push(error))
  connection.listen()
  t.teardown(async () => {
    connection.dispose()
    child.kill()
    await exited
  })
  return { child, connection, errors, exited }
}

const textDocument = { uri: 'file:///a.txt', languageId: 'plaintext', version: 1 }
const initialize = { processId: process.pid, rootUri: null, capabilities: {} }

t.test('vscode-jsonrpc: takes the server through a session', async (t) => {
  const { connection, errors, exited } = start(t)
  const { capabilities } = await connection.sendRequest('initialize', initialize)
  t.match(capabilities, { hoverProvider: true, textDocumentSync: { openClose: true } })
  await connection.sendNotification('initialized', {})
  await connection.sendNotification('textDocument/didOpen', { textDocument: { ...textDocument, text: 'Grüße foo 😀\nfoobar foo' } })
  const hover = await connection.sendRequest('textDocument/hover', { textDocument, position: { line: 0, character: 1 } })
  t.same(hover, { contents: { kind: 'plaintext', value: 'Grüße: 1 of 4 words' }, range: { start: { line: 0, character: 0 }, end: { line: 0, character: 5 } } })
  const items = await connection.sendRequest('textDocument/completion', { textDocument, position: { line: 1, character: 2 } })
  t.same(items.map(({ label }) => label), ['foo', 'foobar'])
  await t.rejects(connection.sendRequest('textDocument/rename', {}), { code: -32601 })
  await t.rejects(connection.sendRequest('textDocument/hover', {}), { code: -32602 })
  t.equal(await connection.sendRequest('shutdown'), null)
  await connection.sendNotification('exit')
  t.same([await exited, errors], [[0, null], []])
})

t.test('vscode-jsonrpc: sends a thousand requests at once, about a document of a megabyte', async (t) => {
  const { connection, errors } = start(t)
  await connection.sendRequest('initialize', initialize)
  await connection.sendNotification('textDocument/didOpen', { textDocument: { ...textDocument, text: 'ä'.repeat(1_000_000) } })
  await connection.sendNotification('textDocument/didOpen', { textDocument: { ...textDocument, uri: 'b', text: 'a b c' } })
  const hover = (character) => connection.sendRequest('textDocument/hover', { textDocument: { uri: 'b' }, position: { line: 0, character } })
  const hovers = await Promise.all(Array.from({ length: 1_000 }, (_, index) => hover(index % 3 * 2)))
  t.same(hovers.map(({ contents }) => contents.value[0]).join(''), 'abc'.repeat(334).slice(0, 1_000))
  const big = await connection.sendRequest('textDocument/hover', { textDocument, position: { line: 0, character: 7 } })
  t.equal(big.contents.value.length, 1_000_000 + ': 1 of 1 words'.length)
  t.same(errors, [])
})

t.test('vscode-jsonrpc: has an exit code of 1 where the server was not shut down', async (t) => {
  const { connection, exited } = start(t)
  await t.rejects(connection.sendRequest('textDocument/hover', {}), { code: -32002 })
  await connection.sendNotification('exit')
  t.same(await exited, [1, null])
})
