import { describe, expect, it } from 'vitest'
import { createRemoteAddress, toCountedAddress } from '../../../src/server/protection/remote-address.js'

describe('the address by which a peer is counted', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '::1'],
    ['::', '0:0:0:0::/64'],
    ['not an address', 'unknown'],
    [undefined, 'unknown'],
  ])('%s counts as %s', (address, counted) => expect(toCountedAddress(address)).toBe(counted))
})

describe('the sender of a request', () => {
  it.each([
    ['no proxy is trusted', 0, '198.51.100.1', '10.0.0.1'],
    ['one proxy wrote the last entry', 1, '203.0.113.9, 198.51.100.1', '198.51.100.1'],
    ['two proxies wrote the last two entries', 2, '203.0.113.9, 198.51.100.1, 10.0.0.2', '198.51.100.1'],
    ['the entry has a port', 1, '198.51.100.1:4711', '198.51.100.1'],
    ['the entry is IPv6 with a port', 1, '[2001:db8:1:2::3]:4711', '2001:db8:1:2::/64'],
    ['the entry is IPv6', 1, '2001:db8:1:2::3', '2001:db8:1:2::/64'],
    ['the request did not pass all proxies', 2, '198.51.100.1', '10.0.0.1'],
    ['the entry is no address', 1, 'unknown', '10.0.0.1'],
    ['the entry is empty', 1, '198.51.100.1,', '10.0.0.1'],
    ['there is no header', 1, undefined, '10.0.0.1'],
  ])('%s', (_when, trusted, header, sender) => {
    const headers = header === undefined ? {} : { 'x-forwarded-for': header }
    const request = { headers, socket: { remoteAddress: '::ffff:10.0.0.1' } }
    expect(createRemoteAddress(trusted)(request)).toBe(sender)
  })
})
