-- Run once, when the container's data directory is made: tests make databases of their own beside
-- the development one, and `SHOW ENGINE INNODB STATUS` needs PROCESS.
GRANT ALL PRIVILEGES ON `shop\_%`.* TO 'shop'@'%';
GRANT PROCESS ON *.* TO 'shop'@'%';
