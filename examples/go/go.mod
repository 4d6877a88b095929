module example.com/heidi

go 1.19
