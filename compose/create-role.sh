# Written by `make generate` from the servers' code. Do not edit.
psql --set=ON_ERROR_STOP=1 --set=password="$POSTGRES_PASSWORD" --username="$POSTGRES_USER" --dbname=postgres <<'SQL'
CREATE ROLE flotilla LOGIN PASSWORD :'password';
CREATE DATABASE flotilla OWNER flotilla ENCODING 'UTF8' TEMPLATE template0;
ALTER ROLE CURRENT_USER PASSWORD NULL;
SQL
