/**
 * A cluster of two workers that serve an echo on one port, and clients that try it; what came of it goes to stdout.
 * Run as a process of its own: a cluster is forked from its main script.
 */
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { AsyncChat, createChatServer } from '../../src/index.js'

const CLIENT_COUNT = 40

/** One of the clients: the answer to its line. */
async function ask(port: number, line: string): Promise<string> {
  const chat = AsyncChat.connect({ port, host: '127.0.0.1' })
  chat.push(`${line}\n`)
  const answer = String(await chat.readFrame('\n'))
  chat.closeWhenDone()
  await chat.whenClosed
  return answer
}

async function lead(): Promise<void> {
  const workers: Worker[] = [cluster.fork(), cluster.fork()]
  const exits = workers.map((worker) => once(worker, 'exit'))
  const addresses = await Promise.all(workers.map((worker) => once(worker, 'listening')))
  const ports = addresses.map(([{ port }]) => port as number)
  const lines = Array.from({ length: CLIENT_COUNT }, (_, index) => `line ${index}`)
  const answers = await Promise.all(lines.map((line) => ask(ports[0] as number, line)))
  for (const worker of workers) worker.send('close')
  const codes = (await Promise.all(exits)).map(([code]) => code as number)
  console.log(JSON.stringify({ ports, answers, codes, ids: workers.map(({ id }) => id) }))
}

/** Nothing here knows of the cluster, but the answer, which tells whose it is. */
async function work(): Promise<void> {
  class Echo extends AsyncChat {
    override handleConnect(): void {
      this.setTerminator('\n')
    }
    override handleFrame(line: Buffer): void {
      this.push(`${line.toString()} ${cluster.worker?.id}\n`)
    }
  }
  const server = createChatServer(Echo).listen(0, '127.0.0.1')
  await once(process, 'message')
  await server.close()
  cluster.worker?.disconnect()
}

await (cluster.isPrimary ? lead() : work())
