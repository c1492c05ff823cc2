/** What the controller can be started with, and which permissions it needs for that. Nothing is read here: arguments and environment are passed in. */
export {
  type Config,
  type Invocation,
  type ListenAddress,
  namespacesOf,
  readConfig,
} from './config.ts';
export { formatLogLevel } from './log-level.ts';
export { leasePermissions, neededPermissions, type Permission, rbacRule } from './permissions.ts';
