import { once } from 'node:events'
import { type AddressInfo, type NetConnectOpts, type Server, type Socket, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { RedisClient } from '../../docs/examples/redis-client.js'
import { RedisServer } from '../../docs/examples/redis-server.js'
import { startRedis, whyNoRedis } from '../support/redis.js'
import { runNode } from '../support/run-node.js'
import { until } from '../support/until.js'

const SCRIPT = fileURLToPath(new URL('../../docs/examples/redis-client.js', import.meta.url))

async function listening(server: Server): Promise<NetConnectOpts & { port: number }> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, host: '127.0.0.1' }
}

async function startOurs(t: Test): Promise<NetConnectOpts> {
  const redis = new RedisServer()
  t.teardown(() => redis.close())
  return listening(redis.server)
}

/** A server that says these bytes to whatever it is told, each to one chunk, and then ends where there are no more. */
async function startScripted(t: Test, ...answers: readonly string[]): Promise<NetConnectOpts> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    const left = [...answers]
    sockets.push(socket)
    socket.on('error', () => {}).on('data', () => {
      const answer = left.shift()
      if (answer === undefined) socket.end()
      else socket.write(answer)
    })
  })
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return listening(server)
}

const HELLO = '%1\r\n+proto\r\n:3\r\n'

const servers = [
  { name: 'the real server', skip: whyNoRedis('redis-server'), start: startRedis },
  { name: 'the example', skip: false as const, start: startOurs },
]

for (const { name, skip, start } of servers) {
  t.test(`redis-client: with ${name}, answers calls in order, however many are under way`, { skip }, async (t) => {
    const COUNT = 20_000
    const client = await RedisClient.open(await start(t))
    t.teardown(() => client.close())
    const calls = Array.from({ length: COUNT }, (_, index) => [client.call('SET', `key${index}`, index), client.call('GET', `key${index}`), client.call('LPUSH', `key${index}`, 1).catch(({ code }) => code as string)])
    const answers = await Promise.all(calls.flat())
    t.same(answers, Array.from({ length: COUNT }, (_, index) => ['OK', String(index), 'WRONGTYPE']).flat())
    t.same(await Promise.all([client.call('GET', 'none'), client.call('INCR', 'n'), client.call('LPUSH', 'l', 'a', 'é'), client.call('LRANGE', 'l', 0, -1)]), [null, 1, 2, ['é', 'a']])
  })

  t.test(`redis-client: with ${name}, hears channels between its calls`, { skip }, async (t) => {
    const COUNT = 5_000
    const address = await start(t)
    const [client, other] = [await RedisClient.open(address), await RedisClient.open(address)]
    t.teardown(() => Promise.all([client.close(), other.close()]))
    const heard: string[] = []
    await client.subscribe('a', (message) => heard.push(`a ${String(message)}`))
    await client.subscribe('b', (message) => heard.push(`b ${String(message)}`))
    const calls: Promise<unknown>[] = []
    for (let index = 0; index < COUNT; index++) calls.push(other.call('PUBLISH', index % 2 ? 'b' : 'a', index), client.call('ECHO', index))
    t.same(await Promise.all(calls), Array.from({ length: COUNT }, (_, index) => [1, String(index)]).flat())
    await until('all messages are heard', () => heard.length >= COUNT)
    t.same(heard, Array.from({ length: COUNT }, (_, index) => `${index % 2 ? 'b' : 'a'} ${index}`))
    await client.unsubscribe('a')
    t.same([await other.call('PUBLISH', 'a', 'no'), await other.call('PUBLISH', 'b', 'yes')], [0, 1])
    await client.call('PUBLISH', 'b', 'to itself')
    await until('it has heard them', () => heard.length >= COUNT + 2)
    t.same(heard.slice(COUNT), ['b yes', 'b to itself'])
  })

  t.test(`redis-client: with ${name}, carries bytes of any kind and length`, { skip }, async (t) => {
    const client = await RedisClient.open({ ...(await start(t)), encoding: null })
    t.teardown(() => client.close())
    for (const value of [Buffer.alloc(0), Buffer.from([0, 0xff, 0x0d, 0x0a, 0xc3]), Buffer.alloc(50_000_000, 'value\r\n')]) {
      t.equal(await client.call('SET', 'k', value), 'OK')
      t.ok(value.equals((await client.call('GET', 'k')) as Buffer), `${value.length} bytes`)
    }
  })
}

t.test('redis-client: fails all calls when the connection ends, with the reason', async (t) => {
  const rows: readonly { readonly name: string; readonly answers: readonly string[]; readonly error: object }[] = [
    { name: 'the server ends', answers: [HELLO], error: { message: /^The server has closed/ } },
    { name: 'the server ends inside an answer', answers: [HELLO, '$5\r\nab'], error: { code: 'ERR_FRAME_INCOMPLETE' } },
    { name: 'the answer is none', answers: [HELLO, '$x\r\n'], error: { code: 'ERR_FRAME_MALFORMED' } },
  ]
  for (const { name, answers, error } of rows) {
    const client = await RedisClient.open(await startScripted(t, ...answers))
    const calls = [client.call('GET', 'a'), client.call('GET', 'b')]
    void client.call('GET', 'c').catch(() => {})
    setImmediate(() => void client.call('GET', 'd').catch(() => {}))
    for (const call of calls) t.match(await call.catch((reason) => reason as unknown), error, name)
    t.match(await client.call('PING').catch((reason) => reason as unknown), error, `${name}, and those after it`)
    await client.close()
  }
  await t.rejects(RedisClient.open(await startScripted(t, '-ERR unknown command\r\n')), { name: 'RespError' })
  const gone = createServer()
  const address = await listening(gone)
  gone.close()
  await t.rejects(RedisClient.open(address), { code: 'ECONNREFUSED' })
})

t.test('redis-client: closes when all calls are answered', { skip: whyNoRedis('redis-server') }, async (t) => {
  const client = await RedisClient.open(await startRedis(t))
  await client.call('SET', 'big', 'x'.repeat(100_000))
  const calls = [...Array.from({ length: 200 }, () => client.call('GET', 'big')), client.call('BLPOP', 'none', 0.1)]
  const closed = client.close()
  await t.rejects(client.call('PING'), { message: 'The client is closed' })
  t.same((await Promise.all(calls)).map((answer) => (answer as string | null)?.length), [...Array.from({ length: 200 }, () => 100_000), undefined])
  await Promise.all([closed, client.close()])
})

t.test('redis-client: refuses what has not one answer', async (t) => {
  const client = await RedisClient.open(await startOurs(t))
  for (const verb of ['SUBSCRIBE', 'psubscribe', 'UNSUBSCRIBE', 'Monitor']) await t.rejects(client.call(verb, 'a'), { name: 'TypeError' }, verb)
  t.equal(await client.call('ECHO', 'a'), 'a')
  await client.close()
})

t.test('redis-client: is a command too', async (t) => {
  const address = (await startOurs(t)) as { port: number }
  const call = (...words: string[]): ReturnType<typeof runNode> => runNode(SCRIPT, String(address.port), ...words)
  t.same(await call('SET', 'a', '1'), { code: 0, stdout: 'OK\n', stderr: '' })
  t.same(await call('INCR', 'a'), { code: 0, stdout: '2\n', stderr: '' })
  t.match(await call('FOO'), { code: 0, stdout: /^RespError: ERR unknown command/ })
})
