import { createSerialQueue, type SerialQueue } from './serial-queue.js'

/** Runs the tasks of each key one after another. */
export type SerialQueues = <T>(key: string, task: () => T | Promise<T>) => Promise<T>

/** Queues by key; one without tasks is forgotten. */
export const createSerialQueues = (): SerialQueues => {
  const queues = new Map<string, { readonly run: SerialQueue; waiting: number }>()
  return async (key, task) => {
    const queue = queues.get(key) ?? { run: createSerialQueue(), waiting: 0 }
    queues.set(key, queue)
    queue.waiting += 1
    try {
      return await queue.run(task)
    } finally {
      queue.waiting -= 1
      if (queue.waiting === 0) queues.delete(key)
    }
  }
}
