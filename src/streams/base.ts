/**
 * The only importer of readable-stream. It gives the package's classes the platform's types, so that the declarations
 * that are shipped name `node:stream` and nothing else. `READABLE_STREAM=disable` makes them the platform's own.
 *
 * The constructor types leave the statics out on purpose: readable-stream's `toWeb` and `fromWeb` do not work; the
 * platform's own do, with these streams too.
 */
import type * as node from 'node:stream'
import * as readableStream from 'readable-stream'

type Constructor<T extends abstract new (...args: never) => unknown> = new (
  ...args: ConstructorParameters<T>
) => InstanceType<T>

export const Transform: Constructor<typeof node.Transform> = readableStream.Transform as never
export type Transform = node.Transform

export const Readable: Constructor<typeof node.Readable> = readableStream.Readable as never

export const Duplex: Constructor<typeof node.Duplex> = readableStream.Duplex as never
export type Duplex = node.Duplex

export const addAbortSignal: typeof node.addAbortSignal = (readableStream as unknown as typeof node).addAbortSignal

export const finished: typeof node.finished = readableStream.finished
