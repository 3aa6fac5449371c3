import { fileURLToPath } from 'node:url'
import t from 'tap'
import { runNode } from '../support/run-node.js'

const script = fileURLToPath(new URL('../support/cluster-echo.js', import.meta.url))

t.test('ChatServer: serves from the workers of a cluster as it is', async (t) => {
  const { code, stdout, stderr } = await runNode(script)
  t.equal(stderr, '')
  t.equal(code, 0)
  const { ports, answers, codes, ids } = JSON.parse(stdout) as { ports: number[]; answers: string[]; codes: number[]; ids: number[] }
  t.equal(new Set(ports).size, 1, 'one port for both')
  t.same(codes, [0, 0], 'both end by themselves when their servers are closed')
  t.same(answers.map((answer) => answer.replace(/ \d+$/, '')), answers.map((_, index) => `line ${index}`), 'every client has its own answer')
  const answering = new Set(answers.map((answer) => Number(answer.split(' ').at(-1))))
  t.ok([...answering].every((id) => ids.includes(id)))
  // On Windows the system decides who gets a connection.
  if (process.platform !== 'win32') t.equal(answering.size, 2, 'both have answered')
})
