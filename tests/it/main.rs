mod notify;
mod run;
