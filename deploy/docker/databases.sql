CREATE DATABASE envelope_gateway;
CREATE DATABASE feedback;
CREATE DATABASE user_reports;
CREATE DATABASE client_reports;
CREATE DATABASE notifier;
