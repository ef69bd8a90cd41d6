// A small cluster for tests: three brokers, orders with six partitions, a producer and a group of two. Never part of the build.

import { ModelCluster } from './model_cluster.ts'

export function fixture(): ModelCluster {
  const model = new ModelCluster(3, { orders: [6, 3] })
  model.command('produce orders as shop rate=20 acks=all', 'start')
  model.command('consume orders group=billing members=2', 'start')
  for (let i = 0; i < 60; i++) model.beat(50)
  return model
}

/** Lets time pass, frame by frame. */
export function pass(model: ModelCluster, ms: number) {
  for (let at = 0; at < ms; at += 50) model.beat(50)
}
