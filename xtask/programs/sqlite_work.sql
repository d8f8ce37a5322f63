-- Tables, indexes, joins, sorting, text and a vacuum, in a file and in memory.
pragma temp_store = memory;
create table item (id integer primary key, name text, weight real, kind integer);
insert into item
  with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000)
  select i, printf('%08x', (i * 2654435761) % 4294967296), (i * 7919 % 1000) / 10.0, i % 37 from n;
create index item_name on item (name);
create index item_kind on item (kind, weight);
create table kind (id integer primary key, label text);
insert into kind select distinct kind, 'kind ' || kind from item;
select label, count(*), round(sum(weight), 1), min(name), max(name)
  from item join kind on kind.id = item.kind group by label order by count(*) desc, label limit 10;
select count(*), count(distinct substr(name, 1, 3)) from item where name like '%a%';
update item set name = name || name || name where id % 3 = 0;
delete from item where kind in (1, 2, 3, 5, 8, 13);
select length(group_concat(name, ',')) from (select name from item order by name desc);
with recursive fib(n, a, b) as (select 1, 0, 1 union all select n + 1, b, a + b from fib where n < 60)
  select n, a from fib where n % 20 = 0;
vacuum;
pragma integrity_check;
