// In place of lilconfig: the parser of Prisma schemas would run a configuration file of the folder in which chatkeep is started.
export const lilconfigSync = () => ({ search: () => null })
