-- sqlite3 at work, in memory: rows made, indexed, joined, grouped, changed and deleted.
PRAGMA temp_store = MEMORY;
CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, town TEXT, score REAL);
CREATE TABLE visit (person INTEGER, day INTEGER, note TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 360000)
INSERT INTO person SELECT i, 'name-' || (i * 7919 % 120011), 'town-' || (i * 31 % 500), i * 0.5 FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 360000)
INSERT INTO visit SELECT i * 104729 % 120000 + 1, i % 365, substr('a note of some length that varies by row', 1, i % 40) FROM n;
CREATE INDEX visit_person ON visit (person, day);
CREATE INDEX person_town ON person (town);
SELECT count(*), sum(length(note)) FROM visit JOIN person ON person.id = visit.person WHERE person.town LIKE 'town-1%';
SELECT count(*) FROM (SELECT town, group_concat(name) AS names FROM person GROUP BY town ORDER BY names);
UPDATE person SET name = name || '-' || town WHERE id % 3 = 0;
SELECT count(*) FROM (SELECT DISTINCT note, day FROM visit ORDER BY note DESC, day);
DELETE FROM visit WHERE day % 2 = 0;
SELECT count(*), max(length(name)) FROM person JOIN visit ON person.id = visit.person GROUP BY town ORDER BY 2, 1 LIMIT 3;
SELECT count(*) FROM (SELECT json_group_array(json_object('id', id, 'name', name)) AS j FROM person GROUP BY town ORDER BY j);
