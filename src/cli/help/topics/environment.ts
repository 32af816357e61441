import type { Topic } from './topic.js'

export const environment: Topic = {
  name: 'environment',
  summary: 'the variables that chatkeep reads',
  text: `
An empty variable counts as not set, but for the pager. Flags override variables.

Which database (the first that names one):
  --database-url, -d  the flags
  --env-file FILE     the variables in this file
  DIRECT_URL          for migrate, rollback, verify, and the connection of serve --adapter postgres that listens
  DATABASE_URL        for all commands
  PGHOST, PGHOSTADDR, PGDATABASE, PGSERVICE
                      as psql reads them
  .env                of the working directory, if nothing else names a database

How to reach it, as in psql:
  PGPORT, PGUSER, PGOPTIONS, PGAPPNAME, PGCONNECT_TIMEOUT
  PGPASSWORD, PGPASSFILE (default: ~/.pgpass)
  PGSERVICEFILE (default: ~/.pg_service.conf), PGSYSCONFDIR
  PGTARGETSESSIONATTRS, PGLOADBALANCEHOSTS
  PGSSLMODE, PGSSLNEGOTIATION, PGSSLROOTCERT, PGSSLCERT, PGSSLKEY, PGSSLCERTMODE, PGSSLCRL, PGSSLCRLDIR, PGSSLSNI
  PGSSLMINPROTOCOLVERSION, PGSSLMAXPROTOCOLVERSION, PGREQUIRESSL
  PGCHANNELBINDING, PGREQUIREAUTH

Refused if they ask for what chatkeep cannot do:
  PGGSSENCMODE, PGREQUIREPEER, PGMINPROTOCOLVERSION

Without effect, since each session has settings of its own:
  PGCLIENTENCODING, PGTZ, PGDATESTYLE, PGGEQO

Output:
  CHATKEEP_PAGER, PAGER       the pager of long answers on a terminal (default: less -FIRX); empty or cat: none
  COLUMNS                     the width, instead of the terminal's own
  LC_ALL, LC_CTYPE, LANG      ASCII only, if the first of them that is set names another encoding than UTF-8
  NO_COLOR, TERM=dumb         no colour and no escape codes
  CI                          nobody is asked, and no pager is started

Other:
  CHATKEEP_OPERATOR_SECRET    what operators share at chatkeep serve
  XDG_STATE_HOME              crash reports are written to chatkeep/ in it (default: ~/.local/state)
  HOME                        where ~ is`,
}
